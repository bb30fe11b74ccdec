/**
 * A real S3 server of one's own, in a folder of its own, on a free port of this machine.
 *
 *   await using server = await startS3Server(program)
 *   const store = server.store(await server.bucket())
 *
 * It may be killed and started again on the same folder and port. Its secret is random, so whoever
 * answers our signed requests is our own process and nobody else.
 */

import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { CreateBucketCommand, ListBucketsCommand, S3Client } from '@aws-sdk/client-s3'

import { S3Store } from '../../src/storage/s3-store.ts'
import type { S3Options } from '../../src/storage/s3/client.ts'
import { systemClock } from '../../src/system-clock.ts'
import { plainS3 } from './plain-s3.ts'

export interface S3Server extends AsyncDisposable {
  readonly endpoint: string
  /** For the environment of programs that talk to it. */
  readonly env: Readonly<Record<string, string>>
  /** A bucket is a folder below, and an object a file in it. */
  readonly folder: string
  /** Makes a bucket that holds nothing. */
  bucket(): Promise<string>
  /** The bucket's options, as a store takes them. */
  options(bucket: string, prefix?: string): S3Options
  /** A store in the bucket; it takes its credentials from this process's environment. */
  store(bucket: string, prefix?: string): S3Store
  kill(): Promise<void>
  /** Again on the same port. */
  start(): Promise<void>
}

const PATIENCE_MS = 20_000
const TRIES = 3

const alive = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of alive) child.kill('SIGKILL')
})

export async function startS3Server(program: string): Promise<S3Server> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-s3-'))
  for (let left = TRIES; ; left--) {
    const server = new Versitygw(program, folder, await freePort())
    try {
      await server.start()
      Object.assign(process.env, server.env)
      return server
    } catch (error) {
      await server.kill()
      if (left === 1) throw error // else somebody else took the port meanwhile
    }
  }
}

class Versitygw implements S3Server {
  readonly endpoint: string
  readonly env: Readonly<Record<string, string>>
  readonly folder: string
  readonly #program: string
  readonly #port: number
  readonly #client: S3Client
  #child: ChildProcess | null = null
  #buckets = 0

  constructor(program: string, folder: string, port: number) {
    this.folder = folder
    this.endpoint = `http://127.0.0.1:${port}`
    this.#program = program
    this.#port = port
    const accessKeyId = randomBytes(8).toString('hex')
    const secretAccessKey = randomBytes(16).toString('hex')
    process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true'
    this.env = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey }
    this.#client = new S3Client({
      endpoint: this.endpoint,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: { accessKeyId, secretAccessKey },
      maxAttempts: 1,
    })
  }

  async start(): Promise<void> {
    const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = this.env
    const address = ['--port', `127.0.0.1:${this.#port}`, '--quiet', '--keep-alive']
    const child = spawn(this.#program, [...address, 'posix', this.folder], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {
        ...process.env,
        ROOT_ACCESS_KEY: AWS_ACCESS_KEY_ID,
        ROOT_SECRET_KEY: AWS_SECRET_ACCESS_KEY,
      },
    })
    this.#child = child
    alive.add(child)
    let said = ''
    let isEnded = false
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
    child.once('close', () => {
      alive.delete(child)
      isEnded = true
    })
    const until = performance.now() + PATIENCE_MS
    while (!(await this.#answers())) {
      if (isEnded || performance.now() > until) throw new Error(`versitygw did not start: ${said}`)
      await sleep(50)
    }
    child.unref()
    unrefPipe(child)
  }

  async bucket(): Promise<string> {
    const name = `bucket-${this.#buckets++}`
    await this.#client.send(new CreateBucketCommand({ Bucket: name }))
    return name
  }

  options(bucket: string, prefix = ''): S3Options {
    return plainS3(bucket, { prefix, endpoint: this.endpoint })
  }

  store(bucket: string, prefix = ''): S3Store {
    return new S3Store(this.options(bucket, prefix), { clock: systemClock, random: Math.random })
  }

  async kill(): Promise<void> {
    const child = this.#child
    this.#child = null
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    child.ref()
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await ended
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
    this.#client.destroy()
    await rm(this.folder, { recursive: true, force: true })
  }

  /** Somebody else's server on this port would refuse our signature. */
  async #answers(): Promise<boolean> {
    try {
      await this.#client.send(new ListBucketsCommand({}))
      return true
    } catch {
      return false
    }
  }
}

/** A pipe that is still open would keep the process from ending. */
function unrefPipe(child: ChildProcess): void {
  const pipe: unknown = child.stderr
  if (typeof pipe === 'object' && pipe !== null && 'unref' in pipe) {
    if (typeof pipe.unref === 'function') pipe.unref()
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it listens on a port, not a pipe
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

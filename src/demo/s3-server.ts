/**
 * An S3 server for the demo, with a bucket in it, in a folder.
 *
 *   await using server = await startDemoBucket(join(folder, 's3'))
 *
 * A bucket is a folder there, and an object a file, so everything can be looked at. The server listens
 * on the loopback address only and asks for a secret that was made for it. It never outlives us: it is
 * run by a tiny shell that waits for the end of a pipe whose other end only we hold.
 */

import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { fail } from '../core/errors.ts'
import { freePort } from './free-port.ts'
import { VERSITYGW, versitygwPlace } from './versitygw.ts'

export interface DemoBucket extends AsyncDisposable {
  readonly endpoint: string
  readonly bucket: string
  /** In the form of AWS, for the environment variable AWS_SHARED_CREDENTIALS_FILE. */
  readonly credentialsFile: string
  readonly keyId: string
  readonly secret: string
}

const BUCKET = 'millrace-demo'
const PATIENCE_MS = 20_000

const SCRIPT = `
"$@" & pid=$!
read -r _ || true
kill "$pid"; wait "$pid"
`

/** Goes on with what is in the folder, if anything is. Fails with PACKAGE_MISSING if there is no server. */
export async function startDemoBucket(folder: string): Promise<DemoBucket> {
  const program = await requireProgram()
  const data = join(folder, 'buckets')
  await mkdir(join(data, BUCKET), { recursive: true })
  const credentials = await credentialsIn(folder)
  const port = await freePort()
  const endpoint = `http://127.0.0.1:${port}`
  const address = ['--port', `127.0.0.1:${port}`, '--quiet', '--keep-alive']
  const shell = spawn('/bin/sh', ['-c', SCRIPT, 'guard', program, ...address, 'posix', data], {
    stdio: ['pipe', 'ignore', 'pipe'],
    // A group of its own: Ctrl-C in a terminal reaches all of the terminal's group.
    detached: true,
    env: {
      ...process.env,
      ROOT_ACCESS_KEY: credentials.keyId,
      ROOT_SECRET_KEY: credentials.secret,
    },
  })
  await untilItAnswers(shell, endpoint)
  return {
    endpoint,
    bucket: BUCKET,
    ...credentials,
    async [Symbol.asyncDispose]() {
      if (shell.exitCode !== null) return
      const ended = once(shell, 'exit')
      shell.stdin?.end()
      await ended
    },
  }
}

async function requireProgram(): Promise<string> {
  const { folder, program } = await versitygwPlace()
  if (existsSync(program)) return program
  return fail('PACKAGE_MISSING', 'an S3 server, versitygw, is not built on this machine', {
    hint: `build it once, with Go, which takes some minutes: GOBIN="${folder}" go install ${VERSITYGW}`,
  })
}

/** Made once, so that what was printed for other programs stays right. */
async function credentialsIn(
  folder: string,
): Promise<Pick<DemoBucket, 'credentialsFile' | 'keyId' | 'secret'>> {
  const credentialsFile = join(folder, 'credentials')
  if (!existsSync(credentialsFile)) {
    const [id, key] = [randomBytes(8).toString('hex'), randomBytes(16).toString('hex')]
    const text = `[default]\naws_access_key_id = ${id}\naws_secret_access_key = ${key}\n`
    await writeFile(credentialsFile, text, { mode: 0o600 })
  }
  const text = await readFile(credentialsFile, 'utf8')
  const [, keyId = ''] = /^aws_access_key_id = (.*)$/m.exec(text) ?? []
  const [, secret = ''] = /^aws_secret_access_key = (.*)$/m.exec(text) ?? []
  return { credentialsFile, keyId, secret }
}

async function untilItAnswers(shell: ChildProcess, endpoint: string): Promise<void> {
  let said = ''
  shell.stderr?.setEncoding('utf8').on('data', (text: string) => (said += text))
  const until = performance.now() + PATIENCE_MS
  for (;;) {
    const isThere = await fetch(endpoint).then(
      () => true, // it refuses who does not sign, and is there
      () => false,
    )
    if (isThere) break
    if (shell.exitCode !== null || said !== '' || performance.now() > until) {
      shell.stdin?.end()
      const why = said.trim().split('\n').at(-1) || 'it does not answer'
      fail('LAKE_UNREACHABLE', `versitygw did not start: ${why}`)
    }
    await sleep(50)
  }
  // Whatever it says from now on is said to nobody.
  shell.stderr?.resume()
}

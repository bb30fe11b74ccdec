/**
 * A server that answers a store's requests with what a test has written down, in that order.
 *
 *   await using s3 = await scriptedS3([{ status: 503, code: 'SlowDown' }])
 *   await s3.store().put('a', bytes)
 *   assert.equal(s3.requests.length, 2)
 *
 * When the script is at its end, everything is well: 200 and nothing in it. Time passes only while
 * the store sleeps, and takes none.
 */

import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

import type { Clock } from '../../src/core/clock.ts'
import { S3Store } from '../../src/storage/s3-store.ts'
import type { S3Options } from '../../src/storage/s3/client.ts'
import { plainS3 } from './plain-s3.ts'

export interface Answer {
  readonly status?: number
  /** The name of the error, as S3 gives it. */
  readonly code?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** More of an error than its name. */
  readonly more?: string
  /** Breaks the connection: `before` anything is answered, or `after` the body. */
  readonly broken?: 'before' | 'after'
}

export interface SeenRequest {
  readonly method: string
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

export interface ScriptedS3 extends AsyncDisposable {
  readonly endpoint: string
  readonly requests: readonly SeenRequest[]
  /** How long the store slept, each time, in milliseconds. */
  readonly sleeps: readonly number[]
  store(options?: Partial<S3Options>, blockBytes?: number): S3Store
}

const OPTIONS = plainS3('bucket', { prefix: 'shop', region: 'us-east-1' })

/** What the search for credentials finds, and nothing else of this machine. */
export function useCredentials(accessKey: string | null): void {
  Object.assign(process.env, {
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_SHARED_CREDENTIALS_FILE: '/nowhere/credentials',
    AWS_CONFIG_FILE: '/nowhere/config',
  })
  delete process.env['AWS_PROFILE']
  delete process.env['AWS_ACCESS_KEY_ID']
  delete process.env['AWS_SECRET_ACCESS_KEY']
  if (accessKey === null) return
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: accessKey, AWS_SECRET_ACCESS_KEY: 'secret' })
}

export async function scriptedS3(script: readonly Answer[]): Promise<ScriptedS3> {
  const requests: SeenRequest[] = []
  const answers = script.values()
  const server = createServer((request, response) => {
    const pieces: Buffer[] = []
    request.on('data', (piece: Buffer) => pieces.push(piece))
    request.on('end', () => {
      const url = new URL(request.url!, 'http://s3')
      requests.push({
        method: request.method!,
        path: decodeURIComponent(url.pathname),
        query: Object.fromEntries(url.searchParams),
        headers: request.headers,
        body: Buffer.concat(pieces),
      })
      respond(response, answers.next().value ?? {})
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it listens on a port, not a pipe
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const sleeps: number[] = []
  return {
    endpoint,
    requests,
    sleeps,
    store(options = {}, blockBytes) {
      const parts = { clock: clockThatSkips(sleeps), random: () => 0.5 }
      return new S3Store(
        { ...OPTIONS, endpoint, ...options },
        blockBytes === undefined ? parts : { ...parts, blockBytes },
      )
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function respond(response: ServerResponse, answer: Answer): void {
  const { status = 200, code, headers = {}, more = '', broken } = answer
  if (broken === 'before') return void response.destroy()
  const error = `<Error><Code>${code}</Code><Message>because</Message>${more}</Error>`
  const body = answer.body ?? (code === undefined ? '' : error)
  response.writeHead(status, { 'content-type': 'application/xml', etag: '"1"', ...headers })
  response.write(body, () => {
    if (broken === 'after') response.destroy()
    else response.end()
  })
}

function clockThatSkips(sleeps: number[]): Clock {
  let now = 0
  return {
    now: () => now,
    async sleep(ms) {
      sleeps.push(ms)
      now += ms
    },
  }
}

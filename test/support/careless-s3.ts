/** An S3 server that keeps objects in memory and has never heard of conditional writes. */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface CarelessS3 extends AsyncDisposable {
  readonly endpoint: string
  /** By bucket and key. */
  readonly objects: ReadonlyMap<string, Buffer>
}

export async function carelessS3(): Promise<CarelessS3> {
  const objects = new Map<string, Buffer>()
  const server = createServer((request, response) => {
    const pieces: Buffer[] = []
    request.on('data', (piece: Buffer) => pieces.push(piece))
    request.on('end', () => answer(objects, { request, response, body: Buffer.concat(pieces) }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it listens on a port, not a pipe
  const { port } = server.address() as AddressInfo
  return {
    endpoint: `http://127.0.0.1:${port}`,
    objects,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly body: Buffer
}

function answer(objects: Map<string, Buffer>, { request, response, body }: Exchange): void {
  const url = new URL(request.url!, 'http://s3')
  const key = decodeURIComponent(url.pathname.slice(1))
  const found = objects.get(key)
  if (request.method === 'PUT') objects.set(key, body)
  if (request.method === 'DELETE') objects.delete(key)
  const isList = url.searchParams.get('list-type') === '2'
  const isMissing = /GET|HEAD/.test(request.method!) && !isList && found === undefined
  response.statusCode = isMissing ? 404 : 200
  if (isList) response.end(list([...objects.keys()], url.searchParams))
  else if (isMissing) response.end('<Error><Code>NoSuchKey</Code></Error>')
  else response.end(request.method === 'GET' ? found : '')
}

function list(keys: readonly string[], query: URLSearchParams): string {
  const prefix = query.get('prefix') ?? ''
  const after = query.get('start-after') ?? ''
  const names = keys
    .map((key) => key.slice(key.indexOf('/') + 1))
    .filter((name) => name.startsWith(prefix) && name > after)
  const contents = names.toSorted().map((name) => `<Contents><Key>${name}</Key></Contents>`)
  return `<ListBucketResult>${contents.join('')}</ListBucketResult>`
}

/** Puts an application on a port. */

import type { Server } from 'node:http'

import { createAdaptorServer } from '@hono/node-server'

import { CodedError } from '../core/errors.ts'

export interface ServeOptions {
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
}

export interface RunningServer {
  readonly url: string
  /** Ends open connections too: a dashboard that polls must not hold the process. */
  close(): Promise<void>
}

export interface Fetcher {
  fetch(request: Request): Response | Promise<Response>
}

/** Throws PORT_IN_USE, or CONFIG_INVALID for an address that this machine does not have. */
export async function startServer(
  app: Fetcher,
  { host, port }: ServeOptions,
): Promise<RunningServer> {
  const handle = (request: Request): Response | Promise<Response> => app.fetch(request)
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- without options it is plain HTTP
  const server = createAdaptorServer({ fetch: handle }) as Server
  await listen(server, { host, port })
  const address = server.address()
  const actualPort = typeof address === 'object' && address !== null ? address.port : port
  const shownHost = host.includes(':') ? `[${host}]` : host
  return { url: `http://${shownHost}:${actualPort}`, close: () => close(server) }
}

function listen(server: Server, { host, port }: ServeOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(cannotListen(error, { host, port }))
    })
    server.listen(port, host, resolve)
  })
}

function cannotListen(cause: NodeJS.ErrnoException, { host, port }: ServeOptions): CodedError {
  const isTaken = cause.code === 'EADDRINUSE'
  const message = `cannot listen on ${host}:${port}${isTaken ? '' : ` (${cause.code ?? cause.message})`}`
  const hint = 'set server.listen to an address of this machine and a port above 1023'
  const details = { host, port }
  if (isTaken) return new CodedError('PORT_IN_USE', message, { cause, details })
  return new CodedError('CONFIG_INVALID', message, { cause, details, hint })
}

function close(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.close((error) => {
      if (error === undefined) resolve()
      else reject(error)
    })
    server.closeAllConnections()
  })
}

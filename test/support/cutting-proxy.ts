/** A way to a server that is cut at one statement, before it arrives or before its answer does. */

import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

export interface CuttingProxy extends AsyncDisposable {
  /** The url, by way of the proxy. */
  readonly url: string
  /** Cuts the connection that sends the statement next, once. */
  cut(statement: string, when: 'before it arrives' | 'before its answer'): void
  /** Swallows the statement that comes next and all that follows, as a server that lost its power. */
  swallow(statement: string): void
}

export async function cuttingProxy(url: string): Promise<CuttingProxy> {
  const to = new URL(url)
  let armed: { statement: string; isForwarded: boolean } | null = null
  let swallowed: string | null = null
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = connect(Number(to.port), to.hostname)
    let isDeaf = false
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        client.destroy()
        upstream.destroy()
      })
    }
    let isGone = false
    client.on('data', (chunk) => {
      isGone ||= swallowed !== null && chunk.includes(swallowed)
      if (isGone) return
      const isCut = armed !== null && chunk.includes(armed.statement)
      if (isCut && armed?.isForwarded === false) client.destroy()
      else upstream.write(chunk)
      if (!isCut) return
      armed = null
      isDeaf = true
    })
    upstream.on('data', (chunk) => {
      if (isDeaf) client.destroy()
      else client.write(chunk)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it listens on a port
  const { port } = server.address() as AddressInfo
  const through = new URL(url)
  through.host = `127.0.0.1:${port}`
  return {
    url: through.href,
    cut(statement, when) {
      armed = { statement, isForwarded: when === 'before its answer' }
    },
    swallow(statement) {
      swallowed = statement
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Connections that end when we are told to stop, whatever they wait for. */

import type { Client } from 'pg'

import { CodedError } from '../../core/errors.ts'

/** Breaks off what a connection waits for when the signal aborts. */
export function endedBy(signal: AbortSignal, client: Client): Disposable {
  const end = (): void => void client.end().catch(() => {})
  signal.addEventListener('abort', end, { once: true })
  if (signal.aborted) end()
  return { [Symbol.dispose]: () => signal.removeEventListener('abort', end) }
}

/** What a connection says that was ended under it depends on where it was, and may have no code. */
export function brokenOff(cause: unknown): CodedError {
  return new CodedError('CONNECTION_LOST', 'broken off, since we are to stop', { cause })
}

/**
 * When to speak to the server, and when to conclude that it is gone.
 *
 * Pure arithmetic on `wal_sender_timeout`, kept away from the sockets so that every case is a line in
 * a table of the tests. The server drops a client it has not heard from for the timeout; we speak
 * three times as often. An idle server is silent as long as it hears from us, so when it is we ask it
 * to answer; silence of twice the timeout, while we wait for what it sends, means that the connection
 * is dead. A timeout of 0 turns that rule off, on the server and here.
 */

export interface Liveness {
  readonly speakEveryMs: number
  /** Infinity: never. */
  readonly deadAfterMs: number
}

const LONGEST_SPEAK_MS = 10_000

export function liveness(walSenderTimeoutMs: number): Liveness {
  if (!(walSenderTimeoutMs > 0)) return { speakEveryMs: LONGEST_SPEAK_MS, deadAfterMs: Infinity }
  return {
    speakEveryMs: Math.min(LONGEST_SPEAK_MS, walSenderTimeoutMs / 3),
    deadAfterMs: walSenderTimeoutMs * 2,
  }
}

/** `silentMs`: for how long we have waited without a byte; `null` if we have not waited. */
export function isDead(silentMs: number | null, { deadAfterMs }: Liveness): boolean {
  return silentMs !== null && silentMs > deadAfterMs
}

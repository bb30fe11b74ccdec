/**
 * Time, as it is handed to everything below `compose.ts`.
 *
 * Nothing reads the machine's clock by itself, so a test can drive hours in a millisecond, and the
 * simulation can decide when each timer fires.
 */

export interface Clock {
  /** Milliseconds since 1970, UTC. */
  now(): number
  /** Resolves after `ms`, or as soon as `signal` aborts; it never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

/**
 * Commit times as the lake writes them: `2026-11-23 10:11:12.123456`, UTC.
 *
 * The server sends microseconds since 2000-01-01, which no JavaScript date can hold, so seconds and
 * microseconds go separate ways.
 */

const EPOCH_2000_SECONDS = 946_684_800n
const MILLION = 1_000_000n

/** `committedAt`: microseconds since 2000-01-01 UTC. */
export function formatCommitTime(committedAt: bigint): string {
  const micros = ((committedAt % MILLION) + MILLION) % MILLION
  const seconds = (committedAt - micros) / MILLION + EPOCH_2000_SECONDS
  const text = new Date(Number(seconds) * 1000).toISOString()
  return `${text.slice(0, 10)} ${text.slice(11, 19)}.${String(micros).padStart(6, '0')}`
}

/** Writes one time after the other; what two of them share, down to the second, is made once. */
export class CommitTimeText {
  /** The time that was set last, with a comma before and behind it. */
  readonly bytes = Buffer.from(',2000-01-01 00:00:00.000000,')
  #second = 0n

  set(committedAt: bigint): void {
    const since = committedAt - this.#second
    if (since < 0n || since >= MILLION) {
      this.bytes.write(formatCommitTime(committedAt), 1, 'latin1')
      this.#second = committedAt - (((committedAt % MILLION) + MILLION) % MILLION)
      return
    }
    let rest = Number(since)
    for (let at = this.bytes.length - 2; at >= this.bytes.length - 7; at--) {
      const tenth = (rest / 10) | 0
      this.bytes[at] = 0x30 + (rest - tenth * 10)
      rest = tenth
    }
  }
}

const TIME = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)\.(\d{6})$/

/** `null` if the text is no time. */
export function parseCommitTime(text: string): bigint | null {
  const [, date, time, micros] = TIME.exec(text) ?? []
  const milliseconds = Date.parse(`${date}T${time}Z`)
  if (micros === undefined || Number.isNaN(milliseconds)) return null
  return (BigInt(milliseconds / 1000) - EPOCH_2000_SECONDS) * MILLION + BigInt(micros)
}

/**
 * The text of values as DMS has it, where that is not PostgreSQL's own.
 *
 *   boolean     t                         true
 *   timestamp   2026-01-31 10:00:00.5     2026-01-31 10:00:00.500000     always microseconds
 *   timestamptz 2026-01-31 10:00:00+00    2026-01-31 10:00:00.000000     UTC, no zone
 *   bytea       \x00ff                    00ff
 *
 * All other values are written as the server wrote them.
 */

import { logicalType, type ColumnType, type LogicalType } from '../../core/type.ts'

/** The bytes to write for `bytes[start, end)`. */
export type ValueText = (bytes: Buffer, start: number, end: number) => Buffer

/** `null`: as it is. */
export function valueTextOf(type: ColumnType): ValueText | null {
  return FORMS.get(logicalType(type).kind) ?? null
}

const moment: ValueText = (bytes, start, end) =>
  Buffer.from(momentText(bytes.toString('latin1', start, end)), 'latin1')

const FORMS: ReadonlyMap<LogicalType['kind'], ValueText> = new Map<LogicalType['kind'], ValueText>([
  ['bool', (bytes, start) => (bytes[start] === LETTER_T ? TRUE : FALSE)],
  ['timestamp', moment],
  ['timestamptz', moment],
  [
    'bytea',
    (bytes, start, end) => {
      const isHex = bytes[start] === BACKSLASH && bytes[start + 1] === LETTER_X
      return bytes.subarray(isHex ? start + 2 : start, end)
    },
  ],
])

const LETTER_T = 0x74
const LETTER_X = 0x78
const BACKSLASH = 0x5c
const TRUE = Buffer.from('true')
const FALSE = Buffer.from('false')

const MOMENT = /^(\d{4,}-\d\d-\d\d \d\d:\d\d:\d\d)(?:\.(\d{1,6}))?(?:\+00)?( BC)?$/

function momentText(text: string): string {
  if (text === 'infinity') return '9999-12-31 23:59:59'
  if (text === '-infinity') return '4713-01-01 00:00:00 BC'
  const [, seconds, fraction = '', era = ''] = MOMENT.exec(text) ?? []
  return seconds === undefined ? text : `${seconds}.${fraction.padEnd(6, '0')}${era}`
}

const EPOCH_2000_MS = 946_684_800_000

/** Microseconds since 2000, as the source counts, in ms since 1970. */
export function msOf(committedAt: bigint): number {
  return Number(committedAt / 1000n) + EPOCH_2000_MS
}

/** `yyyy-MM-dd HH:mm:ss.SSSSSS`, of microseconds since 2000. */
export function timestampText(committedAt: bigint): string {
  const micros = ((committedAt % MILLION) + MILLION) % MILLION
  const whole = new Date(Number((committedAt - micros) / 1000n) + EPOCH_2000_MS).toISOString()
  return `${whole.slice(0, 10)} ${whole.slice(11, 19)}.${String(micros).padStart(6, '0')}`
}

export function microsOf(ms: number): bigint {
  return BigInt(ms - EPOCH_2000_MS) * 1000n
}

const MILLION = 1_000_000n

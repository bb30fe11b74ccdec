/**
 * A time or a place in the log, as it is written on a command line.
 *
 *   2h, 30m, 400d                   that long ago
 *   2026-11-23T10:00:00Z            a time; without a zone it is UTC, without a time midnight
 *   16/B3751120                     an LSN
 */

import { parseDuration } from '../config/units.ts'
import { fail } from '../core/errors.ts'
import { parseLsn } from '../core/lsn.ts'
import { momentOf, type Moment } from '../lake/history/moment.ts'

const LSN = /^[0-9A-Fa-f]{1,8}\/[0-9A-Fa-f]{1,8}$/
const TIME =
  /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(?::(\d\d)(?:\.(\d{1,6}))?)?)?(Z|[+-]\d\d(?::?\d\d)?)?$/

/** `now` in milliseconds since 1970. Fails with USAGE, naming the flag. */
export function parseMoment(flag: string, text: string | null, now: number): Moment | null {
  if (text === null) return null
  if (LSN.test(text)) return { type: 'lsn', lsn: parseLsn(text.toUpperCase()) }
  const ago = parseDuration(text)
  if (ago !== null) return momentOf(now - ago)
  return parseTime(text) ?? refuse(flag, text)
}

function parseTime(text: string): Moment | null {
  const [, day, minute = '00:00', second = '00', fraction = '', zone = 'Z'] = TIME.exec(text) ?? []
  if (day === undefined) return null
  const ms = Date.parse(`${day}T${minute}:${second}${zoned(zone)}`)
  if (Number.isNaN(ms)) return null
  const moment = momentOf(ms)
  if (moment.type !== 'time') return null
  return { type: 'time', at: moment.at + BigInt(fraction.padEnd(6, '0')) }
}

function zoned(zone: string): string {
  if (zone === 'Z') return zone
  const digits = zone.slice(1).replace(':', '').padEnd(4, '0')
  return `${zone.charAt(0)}${digits.slice(0, 2)}:${digits.slice(2)}`
}

function refuse(flag: string, text: string): never {
  return fail('USAGE', `${flag}: "${text}" is no time`, {
    hint: 'write 2026-11-23T10:00:00Z, a time ago such as 2h or 3d, or an LSN such as 16/B3751120',
  })
}

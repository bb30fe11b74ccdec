/**
 * Names of more than 63 bytes, which Redshift has and PostgreSQL has not.
 *
 * The backend knows such a name by its beginning and a hash. It is translated wherever a name goes out
 * to the backend and comes back from it: in SQL, in the names of results, and in what queries of the
 * catalog compare and give.
 */

import { createHash } from 'node:crypto'

const MAX_BYTES = 63
const KEPT_BYTES = 50
const HASH_DIGITS = 12

const longByShort = new Map<string, string>()

export function shortName(name: string): string {
  if (Buffer.byteLength(name) <= MAX_BYTES) return name
  const hash = createHash('sha256').update(name).digest('hex').slice(0, HASH_DIGITS)
  const short = `${cutName(name, KEPT_BYTES)}~${hash}`
  longByShort.set(short, name)
  return short
}

export function longName(name: string): string {
  return longByShort.get(name) ?? name
}

/** At most `bytes` bytes of a name, and whole characters. */
export function cutName(name: string, bytes: number): string {
  const cut = Buffer.from(name).subarray(0, bytes).toString()
  // A character that was cut in two has become the replacement character.
  return name.startsWith(cut) ? cut : cut.replace(/\ufffd+$/, '')
}

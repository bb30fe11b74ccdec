/**
 * Log sequence numbers.
 *
 * An LSN is a byte offset into the write-ahead log: 64 unsigned bits, which PostgreSQL prints as
 * two hexadecimal halves, `16/B374D848`. We keep it as a `bigint` so that `<` and `max` mean what
 * they say, and turn it into text only at the edges of the process.
 *
 * https://www.postgresql.org/docs/current/datatype-pg-lsn.html
 */

import { fail } from './errors.ts'

declare const brand: unique symbol
export type Lsn = bigint & { readonly [brand]: 'Lsn' }

/** The one place where a number becomes an LSN. */
export function lsn(value: bigint): Lsn {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a brand exists only in types
  return value as Lsn
}

/** What the server reports when it means "no position": no record ever starts at zero. */
export const ZERO_LSN = lsn(0n)

const LSN = /^([0-9A-F]{1,8})\/([0-9A-F]{1,8})$/i

export function parseLsn(text: string): Lsn {
  const [, high, low] = LSN.exec(text) ?? fail('LSN_MALFORMED', `not an LSN: "${text}"`)
  return lsn((BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`))
}

export function formatLsn(value: Lsn): string {
  return `${hex(value >> 32n)}/${hex(value & 0xffff_ffffn)}`
}

export function maxLsn(a: Lsn, b: Lsn): Lsn {
  return a > b ? a : b
}

function hex(value: bigint): string {
  return value.toString(16).toUpperCase()
}

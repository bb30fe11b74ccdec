/**
 * Keys: which texts name an object, and in which order stores list them.
 *
 * The order is that of the UTF-8 bytes, as in S3. JavaScript compares UTF-16 units, which differs for
 * characters beyond U+FFFF: their surrogates stand below U+E000 there and above U+FFFF here.
 */

/** Names that begin so are files that are still being written; no key has one. */
export const DRAFT_PREFIX = '.draft-'

export function isKey(text: string): boolean {
  return text.split('/').every(isSegment) && !text.includes('\0')
}

/** Refuses what could never be found again, or would leave the folder. Such a key is a bug. */
export function checkKey(key: string): void {
  if (!isKey(key)) throw new Error(`not a key: ${JSON.stringify(key)}`)
}

/** Negative when `a` comes first, 0 when they are the same, positive when `b` comes first. */
export function compareKeys(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x !== y) return rank(x) - rank(y)
  }
  return a.length - b.length
}

function isSegment(segment: string): boolean {
  return segment !== '' && segment !== '.' && segment !== '..' && !segment.startsWith(DRAFT_PREFIX)
}

function rank(unit: number): number {
  const isSurrogate = unit >= 0xd800 && unit <= 0xdfff
  return isSurrogate ? unit + 0x10000 : unit
}

/**
 * Compresses with Snappy, in one go into memory that is used again.
 *
 * It finds repetitions within stretches of 64 KiB by a table of the places where each four bytes were
 * seen last, and steps faster and faster over what does not repeat. Readers have theirs; this one is
 * here since most of the time of a Parquet file goes into it.
 *
 * https://github.com/google/snappy/blob/main/format_description.txt
 */

const BLOCK_BYTES = 64 * 1024
const TABLE_BITS = 14
const SHIFT = 32 - TABLE_BITS
const PRIME = 0x1e35_a7bd
/** So near to the end of a block nothing is looked for. */
const MARGIN = 15
/** From here on a literal says its length in bytes of its own. */
const SHORT_LITERAL = 60

const table = new Uint16Array(1 << TABLE_BITS)
let output = Buffer.allocUnsafeSlow(BLOCK_BYTES)
/** Where the next byte goes. */
let at = 0

export function compressSnappy(input: Uint8Array): Buffer {
  const { length } = input
  const most = 32 + length + Math.ceil(length / 6)
  if (output.length < most) output = Buffer.allocUnsafeSlow(most)
  const view = new DataView(input.buffer, input.byteOffset, length)
  at = 0
  writeLength(length)
  for (let start = 0; start < length; start += BLOCK_BYTES) {
    const end = Math.min(length, start + BLOCK_BYTES)
    const rest = end - start > MARGIN ? compressBlock(input, view, { start, end }) : start
    if (rest < end) writeLiteral(input, rest, end)
  }
  return Buffer.from(output.subarray(0, at))
}

/** Returns where the bytes begin that stand at the end of the block and repeat nothing. */
function compressBlock(
  input: Uint8Array,
  view: DataView,
  { start, end }: { readonly start: number; readonly end: number },
): number {
  const limit = end - MARGIN
  table.fill(0)
  let written = start
  let place = start + 1
  let steps = 32
  while (place <= limit) {
    const word = view.getUint32(place, true)
    const hash = Math.imul(word, PRIME) >>> SHIFT
    const before = start + table[hash]!
    table[hash] = place - start
    if (view.getUint32(before, true) !== word) {
      place += steps++ >>> 5
      continue
    }
    if (written < place) writeLiteral(input, written, place)
    let length = 4
    while (place + length < end && input[before + length] === input[place + length]) length++
    writeCopy(place - before, length)
    place += length
    written = place
    steps = 32
    if (place > limit) break
    const last = Math.imul(view.getUint32(place - 1, true), PRIME) >>> SHIFT
    table[last] = place - 1 - start
  }
  return written
}

function writeLength(length: number): void {
  let rest = length
  for (; rest >= 0x80; rest >>>= 7) output[at++] = (rest & 0x7f) | 0x80
  output[at++] = rest
}

function writeLiteral(input: Uint8Array, start: number, end: number): void {
  const length = end - start
  const last = length - 1
  if (last < SHORT_LITERAL) {
    output[at++] = last << 2
    for (let i = start; i < end; i++) output[at++] = input[i]!
    return
  }
  if (last < 0x100) output[at++] = 60 << 2
  else {
    output[at++] = 61 << 2
    output[at + 1] = last >> 8
  }
  output[at++] = last
  if (last >= 0x100) at++
  output.set(input.subarray(start, end), at)
  at += length
}

function writeCopy(offset: number, length: number): void {
  let rest = length
  for (; rest >= 68; rest -= 64) writeLongCopy(offset, 64)
  if (rest > 64) {
    writeLongCopy(offset, 60)
    rest -= 60
  }
  if (rest >= 12 || offset >= 2048) return writeLongCopy(offset, rest)
  output[at++] = ((offset >> 8) << 5) | ((rest - 4) << 2) | 1
  output[at++] = offset
}

function writeLongCopy(offset: number, length: number): void {
  output[at++] = ((length - 1) << 2) | 2
  output[at++] = offset
  output[at++] = offset >> 8
}

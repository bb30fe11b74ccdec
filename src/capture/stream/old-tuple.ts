/**
 * What an update that came with its old row really did.
 *
 * The server sends the old key when it changed (and also when a key column is stored out of line),
 * or the whole old row under REPLICA IDENTITY FULL. We need to know whether the key is another one,
 * and to complete the new row: what it leaves out as unchanged stands in the old one.
 */

import { KIND, TupleCursor } from '../../core/tuple.ts'
import type { RowMessage } from '../../pgoutput/messages.ts'

const oldRow = new TupleCursor()
const newRow = new TupleCursor()

/** Whether any of the columns (places on the wire) differs between the old tuple and the new one. */
export function keyChanged(row: RowMessage, key: ReadonlySet<number>): boolean {
  oldRow.open(row.bytes, row.oldStart)
  newRow.open(row.bytes, row.newStart)
  for (let place = 0; newRow.next() && oldRow.next(); place++) {
    if (!key.has(place) || newRow.kind === KIND.unchanged) continue
    const isSame =
      row.bytes.compare(row.bytes, newRow.start, newRow.end, oldRow.start, oldRow.end) === 0
    if (!isSame || newRow.kind !== oldRow.kind) return true
  }
  return false
}

/** The new tuple, with its unchanged values taken from the old one where that has them. */
export function completedTuple(row: RowMessage, key: ReadonlySet<number>): Buffer {
  const { bytes } = row
  const pieces: Buffer[] = [bytes.subarray(row.newStart, row.newStart + 2)]
  oldRow.open(bytes, row.oldStart)
  newRow.open(bytes, row.newStart)
  for (let place = 0; newRow.left > 0; place++) {
    const [oldAt, newAt] = [oldRow.at, newRow.at]
    oldRow.next()
    newRow.next()
    const isKnown = row.old === 'full' || key.has(place)
    const takesOld = newRow.kind === KIND.unchanged && isKnown
    pieces.push(takesOld ? bytes.subarray(oldAt, oldRow.at) : bytes.subarray(newAt, newRow.at))
  }
  return Buffer.concat(pieces)
}

export function hasUnchanged(bytes: Buffer, start: number): boolean {
  newRow.open(bytes, start)
  while (newRow.next()) if (newRow.kind === KIND.unchanged) return true
  return false
}

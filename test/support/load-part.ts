/** A part of a load written out by hand. */

import type { LoadPart } from '../../src/core/target.ts'
import { tuple, type Value } from './tuples.ts'

/** A part of a load, in two blocks. */
export function loadPart(rows: readonly (readonly Value[])[], claimed = rows.length): LoadPart {
  return {
    path: 'app/orders/load/a1/1.csv',
    localPath: null,
    format: 'csv',
    rows: claimed,
    async *read() {
      const half = Math.ceil(rows.length / 2)
      for (const block of [rows.slice(0, half), rows.slice(half)]) {
        const tuples = block.map(tuple)
        const starts = [0]
        for (const { length } of tuples) starts.push(starts.at(-1)! + length)
        yield await Promise.resolve({ bytes: Buffer.concat(tuples), starts })
      }
    },
  }
}

/** Folded rows written out by hand, for tests of what comes after the fold. */

import type { FoldedRow, FoldedRows } from '../../src/core/fold.ts'
import { tuple, UNCHANGED, type Value } from './tuples.ts'

export type TestRow =
  | { readonly op: 'delete'; readonly values: readonly Value[] }
  | {
      readonly op: 'upsert'
      readonly values: readonly Value[]
      /** A tuple with the key of the row that has the unchanged values. */
      readonly source?: readonly Value[]
    }

export function upsert(values: readonly Value[], source?: readonly Value[]): TestRow {
  return source === undefined ? { op: 'upsert', values } : { op: 'upsert', values, source }
}

export function remove(values: readonly Value[]): TestRow {
  return { op: 'delete', values }
}

export function foldedRows(rows: readonly TestRow[], isInsertOnly = false): FoldedRows {
  const upserts = rows.filter(({ op }) => op === 'upsert').length
  return {
    upserts,
    deletes: rows.length - upserts,
    isInsertOnly,
    fills: rows.filter(({ values }) => values.includes(UNCHANGED)).length,
    *[Symbol.iterator](): Generator<FoldedRow> {
      for (const row of rows) yield folded(row)
    },
  }
}

function folded(row: TestRow): FoldedRow {
  const source = row.op === 'upsert' && row.source ? spanOf(row.source) : null
  return { op: row.op, ...spanOf(row.values), source }
}

function spanOf(values: readonly Value[]): { bytes: Buffer; start: number; end: number } {
  // Not at the beginning of its bytes, as in a real fold.
  const bytes = Buffer.concat([Buffer.from('xyz'), tuple(values), Buffer.from('z')])
  return { bytes, start: 3, end: bytes.length - 1 }
}

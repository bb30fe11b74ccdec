/**
 * Rows of a load, which are all new: no key is looked for.
 *
 * DuckDB reads the lake's own CSV where it can reach it, and turns text into values as it goes; what
 * it cannot reach, and Parquet, passes through a staged file.
 */

import { stat } from 'node:fs/promises'

import { fail } from '../../core/errors.ts'
import { tableId } from '../../core/table.ts'
import type { LoadPart, Step } from '../../core/target.ts'
import { identifier, placeOf } from '../sql/names.ts'
import { liveColumns, RowWriter, type LiveColumn } from '../sql/rows.ts'
import { MAX_LINE_BYTES, readCsv, type CsvFile } from './csv-source.ts'
import { qualified } from './names.ts'
import type { Transaction } from './transaction.ts'
import { fromText } from './types.ts'
import { explained } from './unfit.ts'

type LoadStep = Step & { readonly type: 'load' }

/** Columns of the lake's files before those of the table: Op, _order, _lsn, _seq, _committed_at, _unchanged. */
const LAKE_COLUMNS = 6
/** DEFLATE makes nothing smaller than this part of it. */
const MAX_DEFLATE_RATIO = 1032

export async function applyLoad(tx: Transaction, step: LoadStep): Promise<void> {
  const { part, shape } = step
  const live = liveColumns(shape)
  if (part.localPath !== null && part.format !== 'parquet') {
    const file = await lakeFile(part, part.localPath)
    const fields = live.map(({ index }) => LAKE_COLUMNS + index)
    return insert(tx, step, { file, live, fields, count: LAKE_COLUMNS + shape.columns.length })
  }
  await using staged = await tx.database.staging.create()
  await new RowWriter(shape, staged).load(part.read())
  const fields = live.map((_, i) => i)
  await insert(tx, step, { file: await staged.finish(), live, fields, count: live.length })
}

interface Source {
  readonly file: CsvFile
  readonly live: readonly LiveColumn[]
  /** For each live column, the field that has its text. */
  readonly fields: readonly number[]
  readonly count: number
}

async function insert(
  tx: Transaction,
  { table, part }: LoadStep,
  { file, live, fields, count }: Source,
): Promise<void> {
  const columns = live.map(({ column }, i) => ({ column, field: fields[i]! }))
  const names = columns.map(({ column }) => identifier(column.name))
  const values = columns.map(({ column, field }) => fromText(column.type, `c${field}`))
  const rows = await explained(
    tx,
    { table: table.name, file, fields: count, columns },
    `INSERT INTO ${qualified(placeOf(table))} (${names.join(', ')})
     SELECT ${values.join(', ')} FROM ${readCsv(file, count)}`,
  )
  if (rows === part.rows) return
  fail('LAKE_DAMAGED', `${part.path} has ${rows} rows, and its manifest says ${part.rows}`, {
    details: { table: tableId(table.name), path: part.path },
  })
}

async function lakeFile({ format, path }: LoadPart, localPath: string): Promise<CsvFile> {
  const size = await sizeOf(localPath)
  if (size === null) fail('OBJECT_MISSING', `${path} is not in the lake`, { details: { path } })
  const isGzip = format === 'csv.gz'
  const lineBytes = Math.min(isGzip ? size * MAX_DEFLATE_RATIO : size, MAX_LINE_BYTES)
  return { path: localPath, isGzip, hasHeader: true, lineBytes }
}

async function sizeOf(path: string): Promise<number | null> {
  try {
    const { size } = await stat(path)
    return size
  } catch {
    return null
  }
}

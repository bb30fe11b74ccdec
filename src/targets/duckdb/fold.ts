/**
 * Folded rows on their way into DuckDB: written to a file, and read from it into a staged table.
 *
 * On a table of ten million rows the statements that follow (`sql/fold.ts`) are 20 to 80 times faster
 * than MERGE or ON CONFLICT, which read every column of the table.
 */

import type { StepOf } from '../sql/apply-step.ts'
import { applyFold as applyStaged, type StagedFold } from '../sql/fold.ts'
import { placeOf } from '../sql/names.ts'
import { liveColumns, RowWriter, type LiveColumn } from '../sql/rows.ts'
import type { CsvFile } from './csv-source.ts'
import { readCsv } from './csv-source.ts'
import { qualified } from './names.ts'
import type { Transaction } from './transaction.ts'
import { fromText } from './types.ts'
import { explained, type CsvColumn } from './unfit.ts'

type FoldStep = StepOf<'fold'>

/** What the staged rows are read into. */
const STAGED = 'temp.main.millrace_fold'

export async function applyFold(tx: Transaction, step: FoldStep): Promise<void> {
  const place = placeOf(step.table)
  const deleted = await applyStaged(
    {
      table: qualified(place),
      run: (sql) => tx.run(sql),
      stage: () => stage(tx, step),
    },
    step,
  )
  if (deleted > 0) tx.markWritten(place)
}

async function stage(tx: Transaction, step: FoldStep): Promise<StagedFold> {
  await using staged = await tx.database.staging.create()
  const rows = new RowWriter(step.shape, staged)
  await rows.fold(step.rows)
  await read(tx, step, await staged.finish())
  const [count] = await tx.connection.rows(`SELECT count(*) AS rows FROM ${STAGED}`)
  return {
    table: STAGED,
    // DuckDB passes over a last line that is not whole.
    rows: Number(count?.['rows']),
    filled: rows.filled,
    unchanged: rows.unchangedEver,
  }
}

/** Line: op, values, and if there are fills, mask and source key. See `sql/rows.ts`. */
async function read(tx: Transaction, step: FoldStep, file: CsvFile): Promise<void> {
  const live = liveColumns(step.shape)
  const mask = live.length + 1
  const columns: CsvColumn[] = live.map(({ column }, i) => ({ column, field: i + 1 }))
  const selected = columns.map(({ column, field }, i) => `${value(column.type, field)} AS v${i}`)
  const hasFills = step.rows.fills > 0
  const keys = columns.filter((_, i) => live[i]!.isKey)
  if (hasFills) {
    const sources = keys.map((key, i) => ({ ...key, field: mask + 1 + i }))
    selected.push(`c${mask} AS mask`)
    selected.push(...sources.map(({ column, field }, i) => `${value(column.type, field)} AS s${i}`))
    columns.push(...sources)
  }
  const fields = hasFills ? mask + 1 + keys.length : mask
  await explained(
    tx,
    { table: step.table.name, file, fields, columns },
    `CREATE OR REPLACE TEMP TABLE ${STAGED} AS
     SELECT c0 AS op, ${selected.join(', ')} FROM ${readCsv(file, fields)}`,
  )
}

function value(type: LiveColumn['column']['type'], field: number): string {
  return fromText(type, `c${field}`)
}

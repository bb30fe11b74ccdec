/**
 * Rows into a table: folded ones by way of a temporary table, those that are only inserted and those of
 * a load by COPY alone.
 *
 * The temporary table takes its types from the live table itself, so that a user may have given a
 * column another type, and the text of a value is read once, as that type.
 */

import { CodedError, fail } from '../../core/errors.ts'
import { tableId, type Shape } from '../../core/table.ts'
import type { StepOf } from '../sql/apply-step.ts'
import { applyFold, type StagedFold } from '../sql/fold.ts'
import { identifier } from '../sql/names.ts'
import { liveColumns, RowWriter } from '../sql/rows.ts'
import { stateOf } from '../sql/server-error.ts'
import { place, qualified } from './catalog.ts'
import { copyRows } from './copy-rows.ts'
import { refusesDoubles } from './key.ts'
import type { Session } from './session.ts'

const STAGED = 'millrace_fold'

const UNIQUE_VIOLATION = '23505'

export async function fold(tx: Session, step: StepOf<'fold'>): Promise<void> {
  if (step.appends === true && step.rows.fills === 0) {
    await tx.at('copy')
    return append(tx, step)
  }
  if (await insertedAtOnce(tx, step)) return
  await applyFold(
    {
      table: qualified(place(step.table)),
      run: (sql) => tx.run(sql),
      at: (point) => tx.at(point),
      stage: () => stage(tx, step),
    },
    step,
  )
}

/**
 * Inserts alone are copied into the table itself, whose primary key says whether one of the rows is
 * there already. Then nothing has happened, and they go the way of all others.
 */
async function insertedAtOnce(
  tx: Session,
  { table, shape, rows }: StepOf<'fold'>,
): Promise<boolean> {
  const isMeant = rows.isInsertOnly === true
  if (!isMeant || !(await refusesDoubles(tx, place(table), shape))) return false
  await tx.at('copy')
  const result = await tx.attempt(() => append(tx, { table, shape, rows }))
  if (!(result instanceof CodedError)) return true
  if (stateOf(result) === UNIQUE_VIOLATION) return false
  throw result
}

async function append(
  tx: Session,
  { table, shape, rows }: Pick<StepOf<'fold'>, 'table' | 'shape' | 'rows'>,
): Promise<void> {
  const copied = await copyRows(tx, `${qualified(place(table))} (${namesOf(shape)})`, {
    write: (sink) => new RowWriter(shape, sink).inserts(rows),
    nameOf: (name) => name,
  })
  if (copied !== rows.upserts) {
    fail('TARGET_FAILED', `${copied} rows were inserted, not ${rows.upserts}`)
  }
}

function namesOf(shape: Shape): string {
  return liveColumns(shape)
    .map(({ column }) => identifier(column.name))
    .join(', ')
}

async function stage(tx: Session, step: StepOf<'fold'>): Promise<StagedFold> {
  const { shape, rows, table } = step
  const live = liveColumns(shape)
  const keys = live.filter(({ isKey }) => isKey)
  const hasFills = rows.fills > 0
  const columns = [
    'CAST(NULL AS text) AS op',
    ...live.map(({ column }, i) => `t.${identifier(column.name)} AS v${i}`),
    ...(hasFills ? ['CAST(NULL AS text) AS mask'] : []),
    ...(hasFills ? keys.map(({ column }, i) => `t.${identifier(column.name)} AS s${i}`) : []),
  ]
  await tx.at('stage')
  await tx.run(
    `CREATE TEMPORARY TABLE ${STAGED} ON COMMIT DROP AS
     SELECT ${columns.join(', ')} FROM ${qualified(place(table))} t WITH NO DATA`,
  )
  await tx.at('copy')
  let writer: RowWriter | null = null
  const copied = await copyRows(tx, `pg_temp.${STAGED}`, {
    write: async (sink) => {
      writer = new RowWriter(shape, sink)
      await writer.fold(rows)
    },
    nameOf: (name) => {
      const from = name.startsWith('s') ? keys : live
      return from[Number(name.slice(1))]?.column.name ?? name
    },
  })
  return stagedBy(writer!, copied)
}

function stagedBy({ filled, unchangedEver }: RowWriter, rows: number): StagedFold {
  return { table: `pg_temp.${STAGED}`, rows, filled, unchanged: unchangedEver }
}

export async function load(tx: Session, { table, shape, part }: StepOf<'load'>): Promise<void> {
  await tx.at('copy')
  const rows = await copyRows(tx, `${qualified(place(table))} (${namesOf(shape)})`, {
    write: (sink) => new RowWriter(shape, sink).load(part.read()),
    nameOf: (name) => name,
  })
  if (rows === part.rows) return
  fail('LAKE_DAMAGED', `${part.path} has ${rows} rows, and its manifest says ${part.rows}`, {
    details: { table: tableId(table.name), path: part.path },
  })
}

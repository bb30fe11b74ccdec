/**
 * Rows into a table, in two transactions: they are brought to the cluster before anything is claimed,
 * and moved into their tables behind the claim, which takes much less time.
 *
 *   T1   CREATE TEMP TABLE, COPY              of each fold
 *   T2   fill, DELETE USING, INSERT SELECT    see `sql/fold.ts`
 *
 * Parts of a load are copied into the shadow itself behind the claim, unless they have values that
 * COPY cannot load. The types of the staged columns are ours, not those of the live table, which may
 * not be there yet.
 */

import { fail } from '../../core/errors.ts'
import { tableId, type Shape } from '../../core/table.ts'
import type { StepOf } from '../sql/apply-step.ts'
import { applyFold, type StagedFold } from '../sql/fold.ts'
import { identifier } from '../sql/names.ts'
import { liveColumns, RowWriter, type LiveColumn } from '../sql/rows.ts'
import { copy, type Copied } from './copy.ts'
import { columnName, foldedShape, place, qualified } from './names.ts'
import type { StagedRows } from './stage.ts'
import { lengthOf, redshiftType } from './types.ts'
import type { UnfitValues } from './values.ts'
import type { Preparation, Transaction } from './work.ts'

/** A fold whose rows are in a temporary table. */
interface Staged extends StagedFold {
  /** Places of the columns whose empty values are marked. */
  readonly marked: readonly number[]
}

/** What waits for the claim. */
export type Prepared = { readonly unfit: readonly UnfitValues[] } & (
  | { readonly type: 'fold'; readonly staged: Staged }
  | { readonly type: 'part'; readonly copied: Omit<Copied, 'table'> }
)

export async function prepareFold(
  work: Preparation,
  { table, shape, rows }: StepOf<'fold'>,
): Promise<Prepared | null> {
  if (rows.upserts + rows.deletes === 0) return null
  const own = foldedShape(shape)
  const hasFills = rows.fills > 0
  const file = work.stage.open({ table: table.name, columns: liveColumns(own), unfit: work.unfit })
  const writer = new RowWriter(own, file)
  const manifest = await finished(file, () => writer.fold(rows))
  const columns = stagedColumns(own, {
    hasOp: true,
    hasFills,
    hasMarks: file.values.marked.length > 0,
  })
  const distKey = distKeyOf(work, own)
  const name = await stageTable(work, { columns, manifest, rows: file.rows, distKey })
  const { filled, unchangedEver: unchanged } = writer
  const { marked, unfit } = file.values
  return {
    type: 'fold',
    staged: { table: name, rows: file.rows, filled, unchanged, marked },
    unfit,
  }
}

export async function prepareLoad(
  work: Preparation,
  { table, shape, part }: StepOf<'load'>,
): Promise<Prepared | null> {
  const own = foldedShape(shape)
  const live = liveColumns(own)
  const file = work.stage.open({ table: table.name, columns: live, unfit: work.unfit })
  let rows = 0
  const manifest = await finished(file, async () => {
    rows = await new RowWriter(own, file).load(part.read())
  })
  if (rows !== part.rows) {
    fail('LAKE_DAMAGED', `${part.path} has ${rows} rows, and its manifest says ${part.rows}`, {
      details: { table: tableId(table.name), path: part.path },
    })
  }
  if (rows === 0) return null
  const { marked, unfit } = file.values
  if (marked.length === 0) {
    const columns = live.map(({ column }) => identifier(column.name))
    return { type: 'part', copied: { columns, manifest, rows }, unfit }
  }
  const columns = stagedColumns(own, { hasOp: false, hasFills: false, hasMarks: true })
  const name = await stageTable(work, { columns, manifest, rows, distKey: distKeyOf(work, own) })
  const staged = { table: name, rows, filled: 0, unchanged: new Set<number>(), marked }
  return { type: 'fold', staged, unfit }
}

async function finished(file: StagedRows, write: () => Promise<void>): Promise<string> {
  try {
    await write()
    return await file.finish()
  } catch (error) {
    file.abort()
    throw error
  }
}

/** Rows are spread as those of their table, so that the slices of the cluster join their own. */
function distKeyOf({ layoutOf }: Preparation, { table, columns }: Shape): string | null {
  const distKey = layoutOf(table)?.distKey
  if (distKey === undefined) return null
  const live = columns.filter(({ wire }) => wire !== null)
  const at = live.findIndex(({ name }) => name === columnName(distKey))
  return at < 0 ? null : `v${at}`
}

/** Names and types, in the order of the file. */
type StagedColumns = readonly (readonly [name: string, type: string])[]

function stagedColumns(
  shape: Shape,
  { hasOp, hasFills, hasMarks }: { hasOp: boolean; hasFills: boolean; hasMarks: boolean },
): StagedColumns {
  const live = liveColumns(shape)
  const typeOf = ({ column }: LiveColumn): string => redshiftType(column.type)
  const digits = `VARCHAR(${live.length})`
  const keys = live.filter(({ isKey }) => isKey)
  return [
    ...(hasOp ? [['op', 'CHAR(1)'] as const] : []),
    ...live.map((one, i) => [`v${i}`, typeOf(one)] as const),
    ...(hasFills ? [['mask', digits] as const] : []),
    ...(hasFills ? keys.map((one, i) => [`s${i}`, typeOf(one)] as const) : []),
    ...(hasMarks ? [['empties', digits] as const] : []),
  ]
}

/** The column of the table that a copied one stands for. */
export function columnOf(shape: Shape, copied: string): string {
  const live = liveColumns(shape)
  const [, kind, index] = /^([vs])(\d+)$/.exec(copied) ?? []
  const from = kind === 's' ? live.filter(({ isKey }) => isKey) : live
  return from[Number(index)]?.column.name ?? copied
}

/** Resolves to the name of the table. */
async function stageTable(
  { session, role, begin }: Preparation,
  rows: {
    readonly columns: StagedColumns
    readonly distKey: string | null
    readonly manifest: string
    readonly rows: number
  },
): Promise<string> {
  await begin()
  const table = session.newTable()
  await session.at('stage')
  const columns = rows.columns.map(([name, type]) => `${name} ${type}`)
  const spread = rows.distKey === null ? '' : ` DISTSTYLE KEY DISTKEY (${rows.distKey})`
  await session.run(`CREATE TEMP TABLE ${table} (${columns.join(', ')})${spread}`)
  const names = rows.columns.map(([name]) => name)
  await copy(session, { ...rows, table, columns: names }, role)
  return table
}

export async function fold(tx: Transaction, step: StepOf<'fold'>): Promise<void> {
  const prepared = tx.preparedOf(step)
  if (prepared?.type !== 'fold') return
  const { staged } = prepared
  const shape = foldedShape(step.shape)
  const live = liveColumns(shape)
  await applyFold(
    {
      table: qualified(place(step.table)),
      run: (sql) => tx.session.run(sql),
      at: (point) => tx.session.at(point),
      stage: () => Promise.resolve(staged),
      isSame: (i, a, b) => isSame(live[i]!, a, b),
      stagedValue: (i, of) => stagedValue(staged, i, of),
      keepsStaged: true,
    },
    { ...step, shape },
  )
}

/** Trailing blanks do not count where strings are compared, and keys may differ in nothing else. */
function isSame({ column }: LiveColumn, a: string, b: string): string {
  const isEqual = `${a} = ${b}`
  if (lengthOf(redshiftType(column.type)) === null) return isEqual
  return `${isEqual} AND octet_length(${a}) = octet_length(${b})`
}

function stagedValue({ marked }: Staged, at: number, of: string): string {
  const value = `${of}v${at}`
  const digit = marked.indexOf(at) + 1
  if (digit === 0) return value
  return `CASE WHEN substr(${of}empties, ${digit}, 1) = '1' THEN TO_VARBYTE('', 'hex') ELSE ${value} END`
}

export async function load(tx: Transaction, step: StepOf<'load'>): Promise<void> {
  const prepared = tx.preparedOf(step)
  if (prepared === null) return
  const table = qualified(place(step.table))
  if (prepared.type === 'part') return copy(tx.session, { ...prepared.copied, table }, tx.role)
  const { staged } = prepared
  const live = liveColumns(foldedShape(step.shape))
  const names = live.map(({ column }) => identifier(column.name))
  const values = live.map((_, i) => stagedValue(staged, i, ''))
  await tx.session.at('insert')
  const inserted = await tx.session.run(
    `INSERT INTO ${table} (${names.join(', ')}) SELECT ${values.join(', ')} FROM ${staged.table}`,
  )
  if (inserted !== staged.rows) {
    fail('TARGET_FAILED', `${inserted} rows were inserted, not ${staged.rows}`)
  }
}

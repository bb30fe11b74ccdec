/**
 * The steps of a load: its rows into the shadow, and the shadow into the place of the live table.
 *
 * Where nothing is deleted, the shadow takes over first what only the live table has. The rows of a
 * `history` begin with a version of their own, a `T`: what was before is void, the load says what is
 * there. What of the log is in both tables has one `_order` in both, and so comes once.
 */

import { fail } from '../core/errors.ts'
import type { FoldedRows } from '../core/fold.ts'
import { emptiedRow, keptPart, type LoadStamp } from '../core/kept-load.ts'
import type { StragglerLoad } from '../core/ledger.ts'
import type { LoadPartEntry } from '../core/manifest.ts'
import { DELETED_AT, shapeOfRows, VERSION_ORDER } from '../core/mode.ts'
import { tableName, type TableId } from '../core/table.ts'
import type { Step } from '../core/target.ts'
import { modeOf, sourceKey } from './forms.ts'
import { markedPart, type LoadFiles } from './load-files.ts'
import type { Log, ShapeReader } from './log.ts'
import { requireKey } from './mirrored.ts'

interface Parts {
  readonly log: Pick<Log, 'manifest' | 'readLoadPart'>
  readonly shapes: ShapeReader
}

interface Loading {
  readonly table: TableId
  readonly files: LoadFiles
  /** Of its parts, those to be taken now. */
  readonly taken: readonly LoadPartEntry[]
  /** The shadow is not there yet. */
  readonly isNew: boolean
}

export async function* loadSteps(
  { table, files, taken, isNew }: Loading,
  { log, shapes }: Parts,
): AsyncGenerator<Step> {
  const mode = modeOf(files.shape)
  const source = await shapes.read(sourceKey(files.shape))
  requireKey(source, mode)
  const shape = await shapes.read(files.shape)
  const stamp = await stampOf(files, log)
  const target = { name: tableName(table), isShadow: true }
  if (isNew) yield { type: 'create', table: target, shape }
  if (isNew && mode === 'history') {
    const rows = oneRow(emptiedRow(source, stamp))
    yield { type: 'fold', table: target, shape: shapeOfRows(source, mode), rows, appends: true }
  }
  for (const entry of taken) {
    const part = keptPart(log.readLoadPart(entry, source), mode, stamp)
    yield { type: 'load', table: target, shape, part: markedPart(part, table) }
  }
}

export async function swapSteps(
  swap: { readonly table: TableId; readonly load: StragglerLoad; readonly shape: string },
  { log, shapes }: Parts,
): Promise<readonly Step[]> {
  const name = tableName(swap.table)
  const shape = await shapes.read(swap.shape)
  const steps: Step[] = [{ type: 'swap', name, shape }]
  const mode = modeOf(swap.shape)
  if (mode === 'history') {
    steps.unshift({ type: 'keep', name, shape, by: [VERSION_ORDER], marks: null })
  } else if (mode === 'soft-delete') {
    const by = shape.key.map((place) => shape.columns[place]!.name)
    const { at } = await stampOf(swap.load, log)
    steps.unshift({ type: 'keep', name, shape, by, marks: { column: DELETED_AT, value: at } })
  }
  return steps
}

/**
 * Rows of a load have the tick that manifest `since` left unused, and so they come after all that it
 * has. Is it no longer kept, the tick before the first of the manifest after it will do.
 */
async function stampOf(
  { lsn, since, beganAt }: Pick<StragglerLoad, 'lsn' | 'since' | 'beganAt'>,
  log: Pick<Log, 'manifest'>,
): Promise<LoadStamp> {
  const before = await log.manifest(since)
  const after = before === null ? await log.manifest(since + 1) : null
  const began = await log.manifest(beganAt)
  if (began === null) fail('LOG_EXPIRED', `the load began at manifest ${beganAt}, which is gone`)
  const orders = (after?.entries ?? []).flatMap((entry) => ('order' in entry ? entry.order : []))
  const clock = before?.clock ?? Math.min(after?.clock ?? 1, ...orders)
  return { order: clock - 1, lsn, at: timeOf(began.closedAt) }
}

/** An ISO time in UTC as PostgreSQL writes it. */
function timeOf(iso: string): string {
  return `${iso.slice(0, 10)} ${iso.slice(11).replace(/Z$/, '')}+00`
}

function oneRow(bytes: Buffer): FoldedRows {
  return {
    upserts: 1,
    deletes: 0,
    fills: 0,
    *[Symbol.iterator]() {
      yield { op: 'upsert' as const, bytes, start: 0, end: bytes.length, source: null }
    },
  }
}

/**
 * What readers of a table's files must know, read from the log: where its files are, what its columns
 * were called and held over time, and from where on a complete load makes earlier changes superfluous.
 *
 * A table keeps its past when it is renamed, so it may have files in several folders, and a folder may
 * hold files of an earlier table of that name: each stretch says which `_order` of a folder is its own.
 */

import { fail } from '../../core/errors.ts'
import type { Lsn } from '../../core/lsn.ts'
import type { ObjectStore } from '../../core/object-store.ts'
import type { Shape, TableId } from '../../core/table.ts'
import type { DataFormat } from '../data-file.ts'
import type { LogReader } from '../log/log-reader.ts'
import type { LoadState } from '../log/log-state.ts'
import type { Shapes } from '../shapes.ts'
import { Past, UNTOUCHED } from './table-past.ts'
import { typedColumns, type TypedColumn } from './typed-columns.ts'

export interface TableFacts {
  readonly table: TableId
  readonly shape: Shape
  readonly format: DataFormat
  /** Columns of Parquet files that a setting gave a type of its own. */
  readonly typed: readonly TypedColumn[]
  readonly stretches: readonly Stretch[]
  /** Days with files of changes, `2026-11-23`, in order. */
  readonly days: readonly string[]
  /** `null` if there is none, or none that counts. */
  readonly load: LoadFacts | null
  readonly epochs: readonly EpochFacts[]
  /** Aligned with the columns of the shape. */
  readonly columns: readonly ColumnFacts[]
  /** Whether changes on top of the load have values that the server did not send again. */
  readonly hasUnchanged: boolean
}

/** LSNs grow within an epoch only. */
export interface EpochFacts {
  readonly epoch: number
  /** Its rows, those of its loads included, have no smaller `_order`. */
  readonly order: number
}

export interface Stretch {
  /** `app/orders/cdc/` */
  readonly folder: string
  /** Rows with `from <= _order < to` belong to the table; `null`: from the beginning, without end. */
  readonly from: number | null
  readonly to: number | null
}

export interface LoadFacts {
  /** `app/orders/load/<load id>/`; `null` if the table was empty. */
  readonly folder: string | null
  readonly lsn: Lsn
  readonly epoch: number
  /** The `_order` of all its rows. */
  readonly order: number
  /** How many columns its files have. */
  readonly columns: number
}

export interface ColumnFacts {
  /** What rows from before the column have in it: the `_order` of its addition, and PostgreSQL's text. */
  readonly added: { readonly order: number; readonly value: string | null } | null
  /** Older rows may hold text that the type now does not read. */
  readonly hadOtherType: boolean
}

export interface Log {
  readonly store: ObjectStore
  readonly reader: LogReader
  readonly shapes: Shapes
}

/** Reads every kept manifest. `only`: this table; `null`: all. Sorted by name. */
export async function readTableFacts(
  { store, reader, shapes }: Log,
  only: TableId | null,
): Promise<TableFacts[]> {
  const past = new Past(shapes)
  for await (const manifest of reader.manifests(await reader.first())) await past.take(manifest)
  const facts: TableFacts[] = []
  for (const [table, { newestLoad, shape: key }] of (await reader.recover()).tables) {
    if (only !== null && table !== only) continue
    const shape = await shapes.read(key)
    const known = past.of(table)
    const folder = past.loadFolders.get(newestLoad?.load ?? '') ?? null
    const load = newestLoad && (await loadFacts({ store, reader, shapes }, newestLoad, folder))
    facts.push({
      table,
      shape,
      format: onlyFormat(table, known.formats),
      typed: await typedColumns(store, shape, new Set(Object.values(known.files).flat())),
      stretches: known.stretches,
      days: [...known.days],
      load,
      epochs: past.epochs,
      columns: shape.columns.map((_, i) => known.columns[i] ?? UNTOUCHED),
      hasUnchanged: known.unchangedAt > (newestLoad?.since ?? 0),
    })
  }
  return facts.toSorted((a, b) => (a.table < b.table ? -1 : 1))
}

async function loadFacts(
  { reader, shapes }: Log,
  { since, shape, lsn, epoch }: LoadState,
  folder: string | null,
): Promise<LoadFacts | null> {
  const manifest = await reader.manifest(since)
  if (manifest === null && since + 1 < (await reader.first())) return null
  // Retention may have cut the log at this very manifest; then a roll-up has the state after it.
  const { clock } = manifest ?? (await reader.stateAt(since))
  const { columns } = await shapes.read(shape)
  return { folder, lsn, epoch, order: clock - 1, columns: columns.length }
}

function onlyFormat(table: TableId, formats: ReadonlySet<DataFormat>): DataFormat {
  const [format = 'csv', ...others] = formats
  if (others.length === 0) return format
  return fail('LAKE_FORMATS_MIXED', `the files of ${table} are of several formats`, {
    details: { table, formats: [...formats].join(', ') },
  })
}

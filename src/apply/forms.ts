/**
 * The form in which a target has each table, and the log as seen through it.
 *
 * A form is the mode, and what else the target does to names and columns. The ledger remembers it
 * with the shape, `history|app/orders/1f…json`, so that nothing is ever applied to a table of another
 * form: one whose form is another in the configuration is loaded again. Here the keys of shapes in
 * the log get their forms, and the rest of the apply loop goes by them.
 *
 * In a form that keeps what is gone, a truncate is the row in the data files and no barrier, since a
 * barrier would make the rows before it needless. A table whose new name stands for another form is
 * gone, and one of that name is new.
 */

import type { Entry, Manifest, RenameEntry } from '../core/manifest.ts'
import { shapeInMode, type Mode } from '../core/mode.ts'
import { tableName, type Shape, type TableId, type TableName } from '../core/table.ts'
import type { Log, ShapeReader } from './log.ts'

export interface Form {
  readonly mode: Mode
  /** What else is done to the table, in words of one line; empty if nothing is. */
  readonly mapping: string
  /** The same of its columns alone. */
  readonly columns: string
}

export type FormOf = (table: TableName) => Form

export const PLAIN: Form = { mode: 'mirror', mapping: '', columns: '' }

const MARK = '|'

/** The key of a shape, with the form of the table. */
export function withForm({ mode, mapping }: Form, key: string): string {
  const words = [...(mode === 'mirror' ? [] : [mode]), ...(mapping === '' ? [] : [mapping])]
  return words.length === 0 ? key : `${words.join(' ')}${MARK}${key}`
}

/** The key of the shape in the lake. */
export function sourceKey(key: string): string {
  return key.slice(key.lastIndexOf(MARK) + 1)
}

export function modeOf(key: string): Mode {
  if (/^soft-delete[ |]/.test(key)) return 'soft-delete'
  return /^history[ |]/.test(key) ? 'history' : 'mirror'
}

/** Whether the target has the table in this form, by the key that the ledger has. */
export function hasForm(form: Form, key: string): boolean {
  return withForm(form, sourceKey(key)) === key
}

/** The shapes that the target has, by keys with forms. */
export function formedShapes(shapes: ShapeReader): ShapeReader {
  return {
    read: async (key): Promise<Shape> => {
      const shape = await shapes.read(sourceKey(key))
      return shapeInMode(shape, modeOf(key))
    },
  }
}

export function formedLog(log: Log, formOf: FormOf): Log {
  const form = (table: TableId): Form => formOf(tableName(table))
  return {
    recover: () => log.recover(),
    stateAt: (n) => log.stateAt(n),
    manifest: async (n) => {
      const manifest = await log.manifest(n)
      return manifest && formedManifest(manifest, form)
    },
    first: () => log.first(),
    readChanges: (entry, pool) =>
      log.readChanges({ ...entry, shape: sourceKey(entry.shape) }, pool),
    readLoadPart: (entry, shape) => log.readLoadPart(entry, shape),
    loadParts: (load) => log.loadParts(load),
  }
}

function formedManifest(manifest: Manifest, form: (table: TableId) => Form): Manifest {
  return { ...manifest, entries: manifest.entries.flatMap((entry) => formedEntry(entry, form)) }
}

function formedEntry(entry: Entry, form: (table: TableId) => Form): readonly Entry[] {
  const { type, table } = entry
  if (type === 'truncate') return form(table).mode === 'mirror' ? [entry] : []
  if (type === 'rename') return renamed(entry, form)
  if (type !== 'changes' && type !== 'shape' && type !== 'load-begin') return [entry]
  return [{ ...entry, shape: withForm(form(table), entry.shape) }]
}

function renamed(entry: RenameEntry, form: (table: TableId) => Form): readonly Entry[] {
  const { table, to, position, order } = entry
  const [before, after] = [form(table), form(to)]
  const shape = withForm(after, entry.shape)
  if (before.mode === after.mode && before.columns === after.columns) return [{ ...entry, shape }]
  return [
    { type: 'drop', table, position, order },
    { type: 'shape', table: to, position, order, shape, defaults: {} },
  ]
}

/**
 * What a target calls schemas, tables and columns, and which columns it does not get.
 *
 * A `*` in a new name stands for the old one, so `raw_*` is a prefix. Of the rules that fit, the last
 * counts, and a rule for a table goes with one for its schema. A column that is left out is one that
 * the table does not have any more: it keeps its place in the rows and is written nowhere.
 */

import { fail } from './errors.ts'
import { excludeColumns, selectTables, type ColumnRule } from './table-selection.ts'
import { tableId, type Column, type Shape, type TableName } from './table.ts'

/** Exactly one of `schema`, `table` and `column` says what is renamed; each may have `*`. */
export type RenameRule =
  | { readonly schema: string; readonly to: string }
  /** `app.orders` */
  | { readonly table: string; readonly to: string }
  /** `app.users.email` */
  | { readonly column: string; readonly to: string }

export interface MappingRules {
  readonly rename: readonly RenameRule[]
  readonly columns: readonly ColumnRule[]
}

/** A rule for a name, where it fits. */
interface Renaming {
  readonly isMeant: (table: TableName) => boolean
  readonly isColumn: (name: string) => boolean
  readonly to: string
  /** As it was written. */
  readonly from: string
}

export class Mapping {
  /** Nothing is mapped. */
  readonly isEmpty: boolean
  readonly #schemas: readonly Renaming[]
  readonly #tables: readonly Renaming[]
  readonly #columns: readonly Renaming[]
  readonly #excluded: (table: TableName) => ReadonlySet<string>

  constructor({ rename, columns }: MappingRules) {
    this.isEmpty = rename.length + columns.length === 0
    const last = rename.toReversed()
    this.#schemas = last.flatMap((rule) =>
      'schema' in rule ? renaming(`${rule.schema}.*`, rule.to) : [],
    )
    this.#tables = last.flatMap((rule) => ('table' in rule ? renaming(rule.table, rule.to) : []))
    this.#columns = last.flatMap((rule) => ('column' in rule ? columnRenaming(rule) : []))
    this.#excluded = excludeColumns(columns)
  }

  table(table: TableName): TableName {
    const schema = this.#schemas.find(({ isMeant }) => isMeant(table))
    const name = this.#tables.find(({ isMeant }) => isMeant(table))
    return {
      namespace: schema ? renamed(table.namespace, schema.to) : table.namespace,
      name: name ? renamed(table.name, name.to) : table.name,
    }
  }

  column(table: TableName, name: string): string {
    const rule = this.#columns.find(({ isMeant, isColumn }) => isMeant(table) && isColumn(name))
    return rule ? renamed(name, rule.to) : name
  }

  /** Fails with NAME_TAKEN if two columns would have one name. */
  shape(shape: Shape): Shape {
    const { table, key } = shape
    const excluded = this.#excluded(table)
    const names = new Set<string>()
    const columns = shape.columns.map((column, place): Column => {
      const name = this.column(table, column.name)
      if (column.wire === null) return { ...column, name }
      if (excluded.has(column.name)) {
        if (key.includes(place)) excludesKey(table, column.name)
        return { ...column, name, wire: null }
      }
      if (names.has(name)) isTaken(table, name)
      names.add(name)
      return { ...column, name }
    })
    return { ...shape, table: this.table(table), columns }
  }

  /** What is done to a table and to its columns, in one line each; empty if nothing is. */
  describe(table: TableName): { readonly mapping: string; readonly columns: string } {
    const to = tableId(this.table(table))
    const excluded = [...this.#excluded(table)].toSorted()
    const renames = this.#columns.flatMap(({ isMeant, from, to: name }) =>
      isMeant(table) ? `${from}>${name}` : [],
    )
    const columns = [...excluded.map((name) => `-${name}`), ...renames].join(' ')
    const name = to === tableId(table) ? '' : `as ${to}`
    return { columns, mapping: [name, columns].filter((part) => part !== '').join(' ') }
  }
}

function renaming(pattern: string, to: string): Renaming {
  return { isMeant: selectTables([pattern]), isColumn: () => false, to, from: pattern }
}

function columnRenaming({ column, to }: { column: string; to: string }): Renaming {
  const dot = column.lastIndexOf('.')
  const [table, name] = [column.slice(0, dot), column.slice(dot + 1)]
  const isOfName = selectTables([`*.${name}`])
  return {
    isMeant: selectTables([table]),
    isColumn: (one) => isOfName({ namespace: '', name: one }),
    to,
    from: name,
  }
}

function renamed(name: string, to: string): string {
  return to.replaceAll('*', () => name)
}

function isTaken(table: TableName, name: string): never {
  const id = tableId(table)
  fail('NAME_TAKEN', `${id}: two columns would have the name ${name} in the target`, {
    details: { table: id, column: name },
  })
}

function excludesKey(table: TableName, name: string): never {
  const id = tableId(table)
  fail(
    'TABLE_WITHOUT_KEY',
    `${id}: column ${name} is in the key, so the target cannot be without it`,
    {
      hint: `take ${name} out of targets.*.columns`,
      details: { table: id, column: name },
    },
  )
}

/**
 * Which columns are excluded, whatever they and their tables are called now.
 *
 * A rule of `source.columns` finds a column by its name. From then on the column is known by the OID
 * of its table and its number, and stays excluded for as long as the rule that found it is in the
 * configuration: neither a new name of the column nor one of the table lifts that.
 *
 * The stream shows names alone, in the order of the numbers, and what it shows may be older or newer
 * than the catalogs. So it is compared with what the catalogs have shown, place by place. Where
 * nothing fits, only columns that stand where they have always stood are let through.
 */

import type { Exclusion, ExclusionStore } from '../../core/exclusion.ts'
import { excludeColumns, type ColumnRule } from '../../core/table-selection.ts'
import type { TableName } from '../../core/table.ts'
import type { SourceTable } from '../../postgres/catalog.ts'

/** A table as the catalogs have it. */
export type CatalogTable = Pick<SourceTable, 'oid' | 'name' | 'columns'>

/** A table as a message of the stream shows it. */
export interface ShownTable {
  readonly oid: number
  readonly name: TableName
  readonly columns: readonly ShownColumn[]
}

interface ShownColumn {
  readonly name: string
  readonly typeOid: number
}

/** What of a message stays, by place. */
export interface KeptPlaces {
  readonly kept: readonly boolean[]
  /** Whether each place was found to be a column that is known, or one that is newer. */
  readonly isCertain: boolean
}

/** What the stream would show by the catalogs of one moment. */
interface Image {
  readonly columns: CatalogTable['columns']
  /** The publication lists them: one that is new is not shown. */
  readonly isListed: boolean
}

const IMAGES = 4

export class Exclusions {
  readonly rules: readonly ColumnRule[]
  readonly #named: (table: TableName) => ReadonlySet<string>
  readonly #store: ExclusionStore | null
  /** By OID and number. */
  readonly #known = new Map<number, Map<number, Exclusion>>()
  /** Of tables with such columns, the newest first. */
  readonly #images = new Map<number, readonly Image[]>()
  #isRecalled = false
  #hasNews = false

  constructor(rules: readonly ColumnRule[], store: ExclusionStore | null = null) {
    this.rules = rules
    this.#named = excludeColumns(rules)
    this.#store = store
  }

  /** Takes up what former runs knew, except what no rule asks for any more. */
  async recall(): Promise<void> {
    if (this.#isRecalled) return
    for (const one of (await this.#store?.read()) ?? []) {
      if (this.#named(one.table).has(one.column)) this.#put(one)
    }
    this.#isRecalled = true
  }

  /** Resolves once what is known now is remembered. */
  async keep(): Promise<void> {
    if (!this.#hasNews || this.#store === null) return
    this.#hasNews = false
    try {
      await this.#store.write([...this.#known.values()].flatMap((table) => [...table.values()]))
    } catch (error) {
      this.#hasNews = true
      throw error
    }
  }

  /** Names that a table's columns must not have to be captured. What is found is known from then on. */
  excluded({ oid, name, columns }: CatalogTable): ReadonlySet<string> {
    const named = this.#named(name)
    const excluded = new Set(named)
    for (const { name: column, attnum } of columns) {
      if (named.has(column)) this.#learn({ oid, attnum, table: name, column })
      else if (this.#known.get(oid)?.has(attnum)) excluded.add(column)
    }
    return excluded
  }

  /** Notes how the stream would show the table; `listed` as in the publication. */
  saw({ oid, columns }: CatalogTable, listed: readonly string[] | null): void {
    if (!this.#known.has(oid)) return
    const shown = columns.filter(({ name }) => listed?.includes(name) !== false)
    const image = { columns: shown, isListed: listed !== null }
    const others = (this.#images.get(oid) ?? []).filter((one) => !isSame(one, image))
    this.#images.set(oid, [image, ...others].slice(0, IMAGES))
  }

  /** Whether it takes the catalogs to say what of the table stays. */
  concerns({ oid, name, columns }: ShownTable): boolean {
    const named = this.#named(name)
    return this.#known.has(oid) || columns.some((column) => named.has(column.name))
  }

  /** What stays of a table that the stream shows. */
  places({ oid, name, columns }: ShownTable): KeptPlaces {
    const named = this.#named(name)
    const known = this.#known.get(oid)
    const unnamed = columns.map((column) => !named.has(column.name))
    if (known === undefined) return { kept: unnamed, isCertain: true }
    const images = this.#images.get(oid) ?? []
    const isKnown = (attnum: number | undefined): boolean =>
      attnum !== undefined && known.has(attnum)
    const image = images.find((one) => fits(one, columns, isKnown))
    if (image !== undefined) {
      const kept = unnamed.map((stays, i) => stays && !isKnown(image.columns[i]?.attnum))
      return { kept, isCertain: true }
    }
    const kept = columns.map((column, i) => {
      const isWhereItWas = ({ columns: then }: Image): boolean => {
        const was = then[i]
        return was !== undefined && isAlike(was, column) && !isKnown(was.attnum)
      }
      return unnamed[i]! && images.length > 0 && images.every(isWhereItWas)
    })
    return { kept, isCertain: false }
  }

  /** Where columns are now that a rule found under a name which they, or their tables, have no more. */
  renamed(
    tables: readonly CatalogTable[],
    column: string,
    isMeant: (table: TableName) => boolean,
  ): { readonly table: TableName; readonly column: string }[] {
    return tables.flatMap(({ oid, name, columns }) =>
      columns.flatMap((now) => {
        const then = this.#known.get(oid)?.get(now.attnum)
        if (then === undefined || then.column !== column || !isMeant(then.table)) return []
        return [{ table: name, column: now.name }]
      }),
    )
  }

  #learn(found: Exclusion): void {
    const was = this.#known.get(found.oid)?.get(found.attnum)
    const isSameTable =
      was?.table.namespace === found.table.namespace && was.table.name === found.table.name
    if (isSameTable && was.column === found.column) return
    this.#put(found)
    this.#hasNews = true
  }

  #put(one: Exclusion): void {
    const table = this.#known.get(one.oid) ?? new Map<number, Exclusion>()
    this.#known.set(one.oid, table.set(one.attnum, one))
  }
}

/**
 * Whether the stream shows these columns, and perhaps newer ones behind them. An excluded one may have
 * got any name since; that of another column would put that one elsewhere.
 */
function fits(
  { columns, isListed }: Image,
  shown: readonly ShownColumn[],
  isKnown: (attnum: number) => boolean,
): boolean {
  if (isListed ? columns.length !== shown.length : columns.length > shown.length) return false
  return columns.every((column, i) => {
    const now = shown[i]!
    return isKnown(column.attnum) ? column.typeOid === now.typeOid : isAlike(column, now)
  })
}

function isAlike(a: ShownColumn, b: ShownColumn): boolean {
  return a.name === b.name && a.typeOid === b.typeOid
}

function isSame(a: Image, b: Image): boolean {
  return (
    a.isListed === b.isListed &&
    a.columns.length === b.columns.length &&
    a.columns.every((column, i) => {
      const other = b.columns[i]!
      return column.attnum === other.attnum && isAlike(column, other)
    })
  )
}

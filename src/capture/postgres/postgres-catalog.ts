/**
 * What the catalogs know about a Relation message: names of types, the key of a table whose replica
 * identity is FULL, the text of rows that are older than a column.
 */

import type { Client } from 'pg'

import type { Relation } from '../../pgoutput/messages.ts'
import {
  columnsWithDefault,
  describeTable,
  missingValues,
  type SourceTable,
} from '../../postgres/catalog.ts'
import type { LastingConnection } from '../../postgres/lasting-connection.ts'
import { TypeCatalog } from '../../postgres/types.ts'
import { narrowedTable, type NarrowedTable, type Narrowers } from '../tables/narrowed-table.ts'
import type { RelationCatalog, RelationFacts } from '../tables/tracked-tables.ts'

export class PostgresCatalog implements RelationCatalog {
  readonly #connection: LastingConnection
  readonly #narrowers: Narrowers
  #types: TypeCatalog | null = null

  constructor(connection: LastingConnection, narrowers: Narrowers) {
    this.#connection = connection
    this.#narrowers = narrowers
  }

  async describe(relation: Relation): Promise<RelationFacts> {
    return this.#connection.use(async (client) => {
      const types = await this.#typesFor(client, relation.columns)
      const described = await describeTable(client, relation.oid)
      const table = described && (await narrowedTable(client, described, this.#narrowers))
      const numbers = numbersOf(relation, table)
      const columns = relation.columns.map(({ name, typeOid, modifier }, i) => ({
        name,
        type: types.resolve(typeOid, modifier),
        ...(numbers && { attnum: numbers[i]! }),
      }))
      const key = keyOf(relation, table)
      const missing = await missingValues(client, relation.oid)
      const computed = await columnsWithDefault(client, relation.oid)
      return { columns, key, missing, computed, ...narrowingOf(table) }
    })
  }

  /**
   * Has what is excluded learn of the table, again if `isKnown` is false still and somebody alters
   * it: the stream may show the end of that before others see it.
   */
  async look(oid: number, isKnown: () => boolean): Promise<void> {
    await this.#connection.use(async (client) => {
      for (let i = 0; i < ATTEMPTS; i++) {
        const isAltered = await isLocked(client, oid)
        const table = await describeTable(client, oid)
        if (table !== null) await narrowedTable(client, table, this.#narrowers)
        if (isKnown() || !isAltered) return
        await client.query('select pg_catalog.pg_sleep(0.01)')
      }
    })
  }

  /** The stream may show the end of a transaction before others see it: its locks go last. */
  async has(oid: number): Promise<boolean> {
    return this.#connection.use(async (client) => {
      for (let i = 0; i < ATTEMPTS && (await isLocked(client, oid)); i++) {
        await client.query('select pg_catalog.pg_sleep(0.01)')
      }
      return (await describeTable(client, oid)) !== null
    })
  }

  /** The same for a table that is about to be loaded, as the transaction of `client` sees it. */
  async factsOf(
    client: Parameters<typeof describeTable>[0],
    table: NarrowedTable,
  ): Promise<Pick<RelationFacts, 'columns' | 'key' | 'narrowing'>> {
    const types = await this.#typesFor(client, table.columns)
    const columns = table.columns.map(({ name, typeOid, modifier, attnum }) => ({
      name,
      type: types.resolve(typeOid, modifier),
      attnum,
    }))
    return { columns, key: table.key, ...narrowingOf(table) }
  }

  /** The types, read again if a column has one that is newer than what we know. */
  async #typesFor(
    client: Parameters<typeof describeTable>[0],
    columns: readonly { readonly typeOid: number }[],
  ): Promise<TypeCatalog> {
    if (this.#types !== null && columns.every(({ typeOid }) => this.#types!.has(typeOid))) {
      return this.#types
    }
    const types = new TypeCatalog()
    await types.load(client)
    this.#types = types
    return types
  }
}

const ATTEMPTS = 100

/** Whether somebody holds the table as one does who drops it. */
async function isLocked(client: Client, oid: number): Promise<boolean> {
  const { rows } = await client.query(
    `select from pg_catalog.pg_locks
      where locktype = 'relation' and relation = $1 and mode = 'AccessExclusiveLock' and granted
        and database = (select oid from pg_catalog.pg_database where datname = current_database())`,
    [oid],
  )
  return rows.length > 0
}

/** The message does not show that a part of the key was cut: then the rest of it finds no rows. */
function keyOf({ identity, columns }: Relation, table: NarrowedTable | null): readonly string[] {
  if (identity === 'full') return table?.key ?? []
  return table?.isKeyCut ? [] : columns.filter(({ isKey }) => isKey).map(({ name }) => name)
}

function narrowingOf(table: NarrowedTable | null): Pick<RelationFacts, 'narrowing'> {
  return table?.narrowing ? { narrowing: table.narrowing } : {}
}

/**
 * The numbers of the columns, or `null`. The message may be older than what the catalogs have now, so
 * they are taken only if every column is there still, as it was and in the same order.
 */
function numbersOf(relation: Relation, table: SourceTable | null): readonly number[] | null {
  const known = new Map(table?.columns.map((column) => [column.name, column]))
  const numbers: number[] = []
  for (const { name, typeOid } of relation.columns) {
    const column = known.get(name)
    if (column === undefined || column.typeOid !== typeOid) return null
    if (column.attnum <= (numbers.at(-1) ?? 0)) return null
    numbers.push(column.attnum)
  }
  return numbers
}

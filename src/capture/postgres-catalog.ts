/**
 * What the catalogs know about a Relation message: names of types, the key of a table whose replica
 * identity is FULL, the text of rows that are older than a column.
 */

import type { Relation } from '../pgoutput/messages.ts'
import { describeTable, missingValues, type SourceTable } from '../postgres/catalog.ts'
import { withConnection, type ConnectOptions } from '../postgres/connect.ts'
import { TypeCatalog } from '../postgres/types.ts'
import type { RelationCatalog, RelationFacts } from './tracked-tables.ts'

export class PostgresCatalog implements RelationCatalog {
  readonly #connection: ConnectOptions
  #types: TypeCatalog | null = null

  constructor(connection: ConnectOptions) {
    this.#connection = connection
  }

  async describe(relation: Relation): Promise<RelationFacts> {
    return withConnection(this.#connection, async (client) => {
      const types = await this.#typesFor(client, relation.columns)
      const table = relation.identity === 'full' ? await describeTable(client, relation.oid) : null
      const columns = relation.columns.map(({ name, typeOid, modifier }) => ({
        name,
        type: types.resolve(typeOid, modifier),
      }))
      const flagged = relation.columns.filter(({ isKey }) => isKey).map(({ name }) => name)
      const key = relation.identity === 'full' ? (table?.key ?? []) : flagged
      return { columns, key, missing: await missingValues(client, relation.oid) }
    })
  }

  /** The same for a table that is about to be loaded, as the transaction of `client` sees it. */
  async factsOf(
    client: Parameters<typeof describeTable>[0],
    table: SourceTable,
  ): Promise<Pick<RelationFacts, 'columns' | 'key'>> {
    const types = await this.#typesFor(client, table.columns)
    const columns = table.columns.map(({ name, typeOid, modifier }) => ({
      name,
      type: types.resolve(typeOid, modifier),
    }))
    return { columns, key: table.key }
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

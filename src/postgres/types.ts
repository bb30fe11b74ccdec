/**
 * The types of one database, by OID.
 *
 * pgoutput names a column's type by its OID only. Domains are resolved to what they are made of,
 * since that is how their values are written.
 */

import type { Client } from 'pg'

import type { ColumnType } from '../core/type.ts'

interface TypeRow {
  readonly name: string
  /** OID of the element type, if values are written as `{…}`. */
  readonly element: number
  /** OID and modifier of the type that a domain is made of. */
  readonly base: number
  readonly baseModifier: number
}

/**
 * int2vector and oidvector are of category A too, but are written without braces. Every table has a
 * row type and an array of it, which hardly a column is ever of: those that none is of are left out.
 */
const TYPES = `
  with row_type as (select reltype as oid from pg_catalog.pg_class where relkind <> 'c' and reltype <> 0),
       used as (select distinct atttypid as oid from pg_catalog.pg_attribute where attnum > 0)
  select oid, typname as name, typbasetype as base, typtypmod as base_modifier,
         case when typcategory = 'A' and typlen = -1 and typtype = 'b'
                   and typname not in ('int2vector', 'oidvector')
              then typelem else 0 end as element
    from pg_catalog.pg_type t
   where typtype in ('b', 'd', 'e', 'r', 'm', 'c')
     and (   (oid not in (select oid from row_type) and typelem not in (select oid from row_type))
          or oid in (select oid from used)
          or oid in (select typelem from pg_catalog.pg_type where oid in (select oid from used))
          or oid in (select typbasetype from pg_catalog.pg_type))`

export class TypeCatalog {
  readonly #types = new Map<number, TypeRow>()

  async load(client: Client): Promise<void> {
    const { rows } = await client.query<Record<string, unknown>>(TYPES)
    for (const row of rows) {
      this.#types.set(Number(row['oid']), {
        name: String(row['name']),
        element: Number(row['element']),
        base: Number(row['base']),
        baseModifier: Number(row['base_modifier']),
      })
    }
  }

  has(oid: number): boolean {
    return this.#types.has(oid)
  }

  /** A type that is not known (any more) is text to us: its OID is its name. */
  resolve(oid: number, modifier: number): ColumnType {
    const type = this.#types.get(oid)
    if (type === undefined) return { oid, name: `oid_${oid}`, modifier: -1 }
    if (type.base !== 0) return this.resolve(type.base, type.baseModifier)
    if (type.element === 0) return { oid, name: type.name, modifier }
    const element = this.resolve(type.element, modifier)
    return { oid, name: type.name, modifier, element }
  }
}

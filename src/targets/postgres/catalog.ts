/** What the target's catalogs say about a table of ours. */

import type { TableName } from '../../core/table.ts'
import { identifier, literal, placeOf } from '../sql/names.ts'
import type { SqlSession } from '../sql/session.ts'

type Reader = Pick<SqlSession, 'rows'>

/** NAMEDATALEN less the NUL. */
const MAX_NAME_BYTES = 63

/** Where a table stands. */
export function place(table: Parameters<typeof placeOf>[0]): TableName {
  return placeOf(table, MAX_NAME_BYTES)
}

export function qualified({ namespace, name }: TableName): string {
  return `${identifier(namespace)}.${identifier(name)}`
}

export interface TableFacts {
  /** Types by the names of the columns, as they stand in DDL. */
  readonly columns: ReadonlyMap<string, string>
  /** The primary key: its constraint and columns. */
  readonly key: {
    readonly constraint: string
    readonly columns: readonly string[]
    /** It is checked by each statement, not at the commit. */
    readonly isImmediate: boolean
  } | null
}

/** `null` if there is no such table. */
export async function factsOf(session: Reader, table: TableName): Promise<TableFacts | null> {
  const [row] = await session.rows(
    `SELECT (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(a.attname,
                      pg_catalog.format_type(a.atttypid, a.atttypmod)) ORDER BY a.attnum)
               FROM pg_catalog.pg_attribute a
              WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns,
            (SELECT pg_catalog.json_build_object('constraint', k.conname,
                      'isImmediate', NOT k.condeferrable, 'columns',
                      (SELECT pg_catalog.json_agg(a.attname)
                         FROM pg_catalog.pg_attribute a
                        WHERE a.attrelid = c.oid AND a.attnum = ANY (k.conkey)))
               FROM pg_catalog.pg_constraint k
              WHERE k.conrelid = c.oid AND k.contype = 'p') AS key
       FROM ${classOf(table)}`,
  )
  if (row === undefined) return null
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as the query builds it
  const columns = (row['columns'] ?? []) as [string, string][]
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as the query builds it
  return { columns: new Map(columns), key: row['key'] as TableFacts['key'] }
}

function classOf({ namespace, name }: TableName): string {
  return `pg_catalog.pg_class c
       JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = ${literal(namespace)} AND c.relname = ${literal(name)}
        AND c.relkind IN ('r', 'p')`
}

/**
 * Whether somebody has hung something on the table that would go with it: a view, an index, a
 * constraint, a trigger, a policy, a publication, grants, a comment, an owner, settings. Beyond what
 * the shadow has too, since default privileges, for one, are on every new table.
 */
export async function hasMore(
  session: Reader,
  live: TableName,
  shadow: TableName,
): Promise<boolean> {
  const [[own], [other]] = [
    await session.rows(hangingOn(live)),
    await session.rows(hangingOn(shadow)),
  ]
  return JSON.stringify(own) !== JSON.stringify(other)
}

function hangingOn(table: TableName): string {
  return `
    SELECT (SELECT pg_catalog.count(*) FROM pg_catalog.pg_depend d
             WHERE d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = c.oid
               AND d.deptype IN ('n', 'a') AND NOT EXISTS
                 (SELECT FROM pg_catalog.pg_constraint k
                   WHERE d.classid = 'pg_catalog.pg_constraint'::regclass AND k.oid = d.objid
                     AND k.conrelid = c.oid AND k.contype IN ('p', 'n'))) AS objects,
           (SELECT pg_catalog.count(*) FROM pg_catalog.pg_depend d
             WHERE d.refclassid = 'pg_catalog.pg_type'::regclass AND d.refobjid = c.reltype
               AND d.deptype = 'n') AS uses_of_type,
           (SELECT pg_catalog.count(*) FROM pg_catalog.pg_inherits i
             WHERE c.oid IN (i.inhrelid, i.inhparent)) AS relatives,
           (SELECT pg_catalog.count(*) FROM pg_catalog.pg_description s
             WHERE s.classoid = 'pg_catalog.pg_class'::regclass AND s.objoid = c.oid) AS comments,
           (SELECT pg_catalog.string_agg(a.attacl::text || coalesce(a.attoptions::text, ''), ','
                                         ORDER BY a.attnum)
              FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid) AS column_grants,
           c.relacl::text AS grants, c.relowner::text AS owner, c.reloptions::text AS options,
           c.relreplident AS identity, c.relrowsecurity AS policies, c.relkind AS kind,
           c.relpersistence AS persistence, c.reltablespace::text AS tablespace
      FROM ${classOf(table)}`
}

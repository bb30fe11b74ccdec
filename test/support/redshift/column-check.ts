/**
 * What Redshift demands of a column before ALTER TABLE drops it or changes the size of its VARCHAR, and
 * what this server demands of one that a string is inserted into.
 */

import type pg from 'pg'

import { AS_TEXT, columnsOf } from './backend.ts'
import type { Mark } from './create-table.ts'
import { refuse, SqlError, unknown } from './sql-error.ts'
import type { ColumnCheck, InsertedLiterals } from './statement.ts'
import { literal, qualified, type QualifiedName } from './tokens.ts'

export async function checkColumn(client: pg.Client, check: ColumnCheck): Promise<void> {
  const { table, column: name, bytes } = check
  const columns = await columnsOf(client, table)
  const column = columns.find((one) => one.name === name)
  if (column === undefined) {
    throw new SqlError(`column "${name}" of relation "${table.name}" does not exist`, {
      code: '42703',
    })
  }
  const { marks, hasDefault } = await factsOf(client, table, name)
  if (bytes === null) return mayGo(name, marks, columns.length)
  if (column.type !== 'character varying') {
    refuse('ddl.type-varchar-only', `cannot alter type of column "${name}"`)
  }
  if (column.args[0] === bytes) refuse('ddl.type-same', 'target column size should be different')
  if (hasDefault) refuse('ddl.type-default', `cannot alter column "${name}" with a default`)
  if (marks.has('key')) refuse('ddl.type-key', `cannot alter column "${name}" of a key`)
}

/** Redshift would make it a SUPER that is a string; PostgreSQL would read it as JSON. */
export async function checkLiterals(
  client: pg.Client,
  { table, columns, places }: InsertedLiterals,
): Promise<void> {
  if (places.size === 0) return
  const all = await columnsOf(client, table)
  for (const place of places) {
    const column = columns === null ? all[place] : all.find(({ name }) => name === columns[place])
    if (column?.type === 'super') unknown('a string for a SUPER, without JSON_PARSE')
  }
}

function mayGo(name: string, marks: ReadonlySet<Mark>, columns: number): void {
  if (marks.has('dist')) refuse('ddl.drop-column', `cannot drop distkey column "${name}"`)
  if (marks.has('sort')) refuse('ddl.drop-column', `cannot drop sortkey column "${name}"`)
  if (columns === 1) refuse('ddl.drop-column', 'cannot drop the last column of a table')
}

async function factsOf(
  client: pg.Client,
  table: QualifiedName,
  column: string,
): Promise<{ readonly marks: ReadonlySet<Mark>; readonly hasDefault: boolean }> {
  const { rows } = await client.query<(string | null)[]>({
    text: `SELECT a.atthasdef, split_part(k.conname, ' ', 1)
             FROM pg_attribute a
             LEFT JOIN pg_constraint k ON k.conrelid = a.attrelid AND a.attnum = ANY (k.conkey)
                                      AND k.conname LIKE '% of %'
            WHERE a.attrelid = ${literal(qualified(table))}::regclass
              AND a.attname = ${literal(column)}`,
    ...AS_TEXT,
  })
  // Only `columnSql` names constraints so.
  const marks = new Set(rows.map(([, mark]) => mark as Mark))
  return { marks, hasDefault: rows[0]![0] === 't' }
}

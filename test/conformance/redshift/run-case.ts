/** Runs one case, and says what was seen. */

import assert from 'node:assert/strict'

import pg from 'pg'

import type { ConformanceCase } from './case.ts'
import type { Place } from './place.ts'

/** What a place answered; kept, so that what was assumed can be compared with what is. */
export interface Reading {
  readonly id: string
  readonly sql: readonly string[]
  readonly rows?: readonly (readonly (string | null)[])[]
  readonly error?: {
    /** The number of the statement, from 0. */
    readonly at: number
    readonly code: string
    readonly message: string
    readonly detail?: string
  }
  readonly milliseconds: number
}

export async function readCase(
  place: Place,
  one: ConformanceCase,
  number: number,
): Promise<Reading> {
  const fill = await filling(place, one, number)
  const sql = one.sql.map(fill)
  const began = performance.now()
  const seen = await see(place.client, sql)
  return {
    id: one.id,
    sql: sql.map(shortened),
    ...seen,
    milliseconds: Math.round(performance.now() - began),
  }
}

async function see(
  client: pg.Client,
  sql: readonly string[],
): Promise<Pick<Reading, 'rows' | 'error'>> {
  let at = 0
  try {
    let rows: (string | null)[][] = []
    for (const statement of sql) {
      rows = await run(client, statement)
      at++
    }
    return { rows }
  } catch (error) {
    if (!(error instanceof pg.DatabaseError)) throw error
    const { code = '', message, detail } = error
    return { error: { at, code, message, ...(detail === undefined ? {} : { detail }) } }
  } finally {
    await client.query('ROLLBACK')
    await client.query('SET enable_case_sensitive_identifier TO false')
  }
}

export function check({ expect }: ConformanceCase, reading: Reading): void {
  const { rows, error } = reading
  if (expect === 'accepted') return assert.equal(error, undefined)
  if ('rows' in expect) {
    assert.equal(error, undefined)
    return assert.deepEqual(rows, expect.rows)
  }
  assert.ok(error, 'it was not refused')
  assert.equal(error.at, reading.sql.length - 1, error.message)
  assert.match(error.message, expect.error)
  // Nothing that the case is about may hide behind what is only not known.
  assert.doesNotMatch(error.message, /Redshift-shaped server does not know/)
  if (expect.code !== undefined) assert.equal(error.code, expect.code)
}

/** A statement behind `!` may fail. */
async function run(client: pg.Client, statement: string): Promise<(string | null)[][]> {
  const mayFail = statement.startsWith('!')
  try {
    const result = await client.query<(string | null)[]>({
      text: mayFail ? statement.slice(1) : statement,
      rowMode: 'array',
      types: { getTypeParser: () => (value: string) => value },
    })
    // Of several statements in one message there are several results.
    return [result].flat().at(-1)!.rows
  } catch (error) {
    if (mayFail) return []
    throw error
  }
}

async function filling(
  place: Place,
  { files, mandatory = true }: ConformanceCase,
  number: number,
): Promise<(sql: string) => string> {
  const folder = `${place.schema}/${number}`
  const urls: string[] = []
  for (const [i, bytes] of (files ?? []).entries()) {
    const key = `${folder}/${i}.csv`
    if (bytes !== null) await place.store.put(key, Buffer.from(bytes))
    urls.push(`${place.bucket}${key}`)
  }
  if (files !== undefined) {
    const entries = urls.map((url) => ({ url, mandatory }))
    await place.store.put(`${folder}/manifest`, Buffer.from(JSON.stringify({ entries })))
  }
  const names: Readonly<Record<string, string>> = {
    t: `"${place.schema}"."t${number}"`,
    u: `"${place.schema}"."u${number}"`,
    s: `"${place.schema}"`,
    temp: `temp${number}`,
    name: `'t${number}'`,
    role: place.role,
    manifest: `${place.bucket}${folder}/manifest`,
    file: urls[0] ?? '',
  }
  return (sql) => sql.replaceAll(/\{(\w+)\}/g, (whole, name: string) => names[name] ?? whole)
}

const SHOWN_CHARACTERS = 300

/** Some statements are nothing but one long value. */
function shortened(sql: string): string {
  return sql.length > SHOWN_CHARACTERS ? `${sql.slice(0, SHOWN_CHARACTERS)}…` : sql
}

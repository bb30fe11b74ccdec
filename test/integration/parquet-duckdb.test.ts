/** DuckDB reads every Parquet file of the lake, and gets the values that PostgreSQL's texts stand for. */

import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'

import fc from 'fast-check'

import type { ColumnType } from '../../src/core/type.ts'
import { encodeParquetChanges } from '../../src/lake/codecs/parquet-encoder.ts'
import type { DuckdbTarget } from '../../src/targets/duckdb/target.ts'
import { duckdbType, fromText } from '../../src/targets/duckdb/types.ts'
import { arrayOf, numeric, typeOf } from '../support/column-types.ts'
import { DuckdbPlace } from '../support/duckdb-place.ts'
import { TYPED_VALUES } from '../support/parquet-values.ts'
import { INT8, logOf } from '../support/tuples.ts'

const RUNS = { numRuns: Math.ceil(Number(process.env['FC_RUNS'] ?? 100) / 20) }
const OPTIONS = { arrays: 'lists', types: 'full', unfit: 'error' } as const

let place: DuckdbPlace
let duckdb: DuckdbTarget
let files = 0
before(async () => {
  place = await DuckdbPlace.make()
  duckdb = await place.open()
})
after(async () => {
  await duckdb.close()
  await place[Symbol.asyncDispose]()
})

async function fileOf(
  type: ColumnType,
  texts: readonly (string | null)[],
  options: Parameters<typeof encodeParquetChanges>[2]['options'] = OPTIONS,
): Promise<string> {
  const columns = [
    { name: 'id', type: INT8, wire: 0 },
    { name: 'v', type, wire: 1 },
  ]
  const table = { namespace: 'app', name: 'values' }
  const shape = { table, oid: 1, number: 1, columns, key: [0] }
  const changes = logOf(
    texts.map((text, i) => ({ op: 'insert', lsn: 5n, ordinal: 2, values: [String(i), text] })),
  )
  const parts = { shape, options, onUnfit: () => {} }
  // DuckDB remembers files by name and time, and two of ours may be made within its tick.
  const path = join(place.folder, `${++files}.parquet`)
  await writeFile(path, Buffer.concat([...encodeParquetChanges(changes, 1, parts)]))
  return `read_parquet('${path.replaceAll("'", "''")}')`
}

function literal(text: string | null): string {
  if (text === null) return 'NULL::VARCHAR'
  return `'${text.replaceAll("'", "''")}'`
}

describe('DuckDB', () => {
  for (const { type, text } of TYPED_VALUES) {
    const name = `${type.element ? 'array of ' : ''}${type.name} ${type.modifier}`
    test(`reads ${name} as the values that the texts stand for`, async () => {
      // JSON is a text in Parquet.
      const isJson = duckdbType(type).startsWith('JSON')
      const asText = type.element ? arrayOf(typeOf('text')) : typeOf('text')
      const value = isJson ? asText : type
      await fc.assert(
        fc.asyncProperty(fc.array(fc.option(text), { maxLength: 20 }), async (texts) => {
          const file = await fileOf(type, texts)
          const expected = texts.map((one, i) => `(${i}, ${literal(one)})`).join(', ')
          const [row] = await duckdb.query(
            texts.length === 0
              ? `SELECT count(*) AS n, 0 AS other FROM ${file}`
              : `SELECT count(*) AS n, count_if(p.v IS DISTINCT FROM ${fromText(value, 't.text')}) AS other
                   FROM ${file} AS p JOIN (VALUES ${expected}) AS t (id, text) USING (id)`,
          )
          assert.deepEqual([Number(row!['n']), Number(row!['other'])], [texts.length, 0])
        }),
        RUNS,
      )
    })
  }

  const types: [type: ColumnType, text: string, name: string][] = [
    [typeOf('int2'), '1', 'SMALLINT'],
    [typeOf('int4'), '1', 'INTEGER'],
    [numeric(38, 20), '1.' + '0'.repeat(20), 'DECIMAL(38,20)'],
    [numeric(9, 2), '1.00', 'DECIMAL(9,2)'],
    [typeOf('timestamp'), '2026-11-23 10:11:12', 'TIMESTAMP'],
    [typeOf('timestamptz'), '2026-11-23 10:11:12+00', 'TIMESTAMP WITH TIME ZONE'],
    [typeOf('uuid'), 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'UUID'],
    [typeOf('time'), '10:11:12', 'TIME'],
    [typeOf('bytea'), '\\x00', 'BLOB'],
    [typeOf('jsonb'), '{}', 'VARCHAR'],
    [arrayOf(typeOf('date')), '{2026-11-23}', 'DATE[]'],
  ]
  for (const [type, text, name] of types) {
    test(`sees a column of type ${name}`, async () => {
      const file = await fileOf(type, [text])
      const [row] = await duckdb.query(
        `SELECT typeof(v) AS v, typeof(_committed_at) AS t FROM ${file}`,
      )
      assert.deepEqual(row, { v: name, t: 'TIMESTAMP WITH TIME ZONE' })
    })
  }

  test('reads arrays that are kept as JSON', async () => {
    const file = await fileOf(arrayOf(numeric(9, 2)), ['{1.50,NULL}', '{{1.00},{2.00}}'], {
      ...OPTIONS,
      arrays: 'json',
    })
    const rows = await duckdb.query(`SELECT v, json_array_length(v) AS n FROM ${file} ORDER BY id`)
    assert.deepEqual(
      rows.map(({ v, n }) => [v, Number(n)]),
      [
        ['[1.50,null]', 2],
        ['[[1.00],[2.00]]', 2],
      ],
    )
  })
})

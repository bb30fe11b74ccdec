/**
 * The statements of `lake ddl` and the payloads of `lake glue` for one table that has lived: a column
 * added with a default, one dropped, another type, a load, values that were not sent. Each dialect
 * has its text in test/fixtures/ddl, which UPDATE_FIXTURES=1 writes anew. DuckDB's is also run, by
 * test/integration/lake-ddl.test.ts; the others' meaning is `doc`: no such engine was asked.
 */

import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'

import { packageRoot } from '../../../src/cli/package-root.ts'
import { lsn } from '../../../src/core/lsn.ts'
import type { Column, Shape, TableId } from '../../../src/core/table.ts'
import { DIALECTS, rawTables, tableDdl } from '../../../src/lake/ddl/ddl.ts'
import { gluePartitions, glueTable } from '../../../src/lake/ddl/glue-tables.ts'
import type { ColumnFacts, TableFacts } from '../../../src/lake/ddl/table-facts.ts'

const FIXTURES = join(packageRoot(), 'test/fixtures/ddl')
const URL = 's3://increase-lake/shop'

const TYPES: readonly [name: string, oid: number, type: string, modifier?: number][] = [
  ['id', 20, 'int8'],
  ['Total', 1700, 'numeric', ((12 << 16) | 2) + 4],
  ['free', 1700, 'numeric'],
  ['note', 25, 'text'],
  ['gone', 25, 'text'],
  ['paid', 16, 'bool'],
  ['at', 1184, 'timestamptz'],
  ['on', 1082, 'date'],
  ['file', 17, 'bytea'],
  ['info', 3802, 'jsonb'],
  ['ref', 2950, 'uuid'],
  ['size', 23, 'int4'],
  ["it's", 25, 'text'],
]

const UNTOUCHED: ColumnFacts = { added: null, hadOtherType: false }

function facts(changes: Partial<TableFacts> = {}): TableFacts {
  let wire = 0
  const columns = TYPES.map(([name, oid, type, modifier = -1]): Column => {
    const place = name === 'gone' ? null : wire++
    return { name, type: { oid, name: type, modifier }, wire: place }
  })
  const shape: Shape = {
    table: { namespace: 'app', name: 'orders' },
    oid: 16_384,
    number: 4,
    columns,
    key: [0],
  }
  const past: Record<string, ColumnFacts> = {
    size: { added: null, hadOtherType: true },
    "it's": { added: { order: 2000, value: String.raw`it's \ the default` }, hadOtherType: false },
  }
  return {
    table: 'app.orders' as TableId,
    shape,
    format: 'csv.gz',
    typed: [],
    stretches: [{ folder: 'app/orders/cdc/', from: null, to: null }],
    days: ['2026-11-23', '2026-11-24'],
    load: { folder: 'app/orders/load/abc/', lsn: lsn(5000n), epoch: 1, order: 1000, columns: 12 },
    epochs: [{ epoch: 1, order: 0 }],
    columns: columns.map(({ name }) => past[name] ?? UNTOUCHED),
    hasUnchanged: false,
    ...changes,
  }
}

function assertFixture(name: string, actual: string): void {
  const file = join(FIXTURES, name)
  if (process.env['UPDATE_FIXTURES']) writeFileSync(file, actual)
  assert.equal(actual, readFileSync(file, 'utf8'))
}

function text(given: TableFacts, dialect: keyof typeof DIALECTS): string {
  return tableDdl(given, DIALECTS[dialect], URL)
    .map((statement) => `${statement};\n`)
    .join('\n')
}

describe('the statements for a table of', () => {
  for (const dialect of ['athena', 'spark', 'redshift-spectrum', 'trino', 'duckdb'] as const) {
    test(`CSV in ${dialect}`, () => {
      assertFixture(`${dialect}-csv.sql.txt`, text(facts(), dialect))
    })
    test(`Parquet in ${dialect}`, () => {
      assertFixture(`${dialect}-parquet.sql.txt`, text(facts({ format: 'parquet' }), dialect))
    })
  }
})

describe('the statements', () => {
  test('take a table that was renamed from both its folders, each as far as it is its own', () => {
    const stretches = [
      { folder: 'app/old/cdc/', from: null, to: 700 },
      { folder: 'app/orders/cdc/', from: 700, to: null },
    ]
    const sql = text(facts({ stretches }), 'duckdb')
    assert.match(sql, /FROM "app_orders_changes" WHERE CAST\(_order AS BIGINT\) < 700/)
    assert.match(sql, /FROM "app_orders_changes_2" WHERE CAST\(_order AS BIGINT\) >= 700/)
  })

  test('tell the epochs apart, since an LSN may come again', () => {
    const epochs = [
      { epoch: 1, order: 0 },
      { epoch: 2, order: 900 },
    ]
    const sql = text(facts({ epochs }), 'duckdb')
    assert.match(sql, /CASE WHEN CAST\(_order AS BIGINT\) >= 900 THEN 2 ELSE 1 END AS _epoch/)
  })

  test('leave the present rows out, and say so, where nothing says what they were', () => {
    assert.match(
      text(facts({ load: null }), 'athena'),
      /^-- no app_orders_latest: .*no complete load/m,
    )
    const keyless = { ...facts().shape, key: [] }
    assert.match(text(facts({ shape: keyless }), 'athena'), /^-- no app_orders_latest: .*no key/m)
  })

  test('have no table for columns that the engine cannot read as they are, and say why', () => {
    const given = facts({ format: 'parquet', typed: [{ name: 'ref', form: 'uuid' }] })
    for (const dialect of ['athena', 'glue', 'spark', 'redshift-spectrum', 'trino'] as const) {
      assert.match(
        text(given, dialect),
        /^-- no tables for app\.orders: lake\.parquet\.types: full .* "ref" as a uuid;\n$/,
      )
    }
    assert.match(text(given, 'duckdb'), /name: 'ref', type: 'UUID'/)
    const lists = facts({ format: 'parquet', typed: [{ name: 'tags', form: 'list' }] })
    assert.match(text(lists, 'duckdb'), /^-- no tables .*lake\.parquet\.arrays: lists/)
  })

  test('have no table for a load without rows', () => {
    const load = { ...facts().load!, folder: null }
    assert.doesNotMatch(text(facts({ load }), 'trino'), /app_orders_load/)
  })
})

describe('the tables of Glue', () => {
  test('are external, with projected partitions, and text where the files are CSV', () => {
    const { changes, load } = rawTables(facts(), URL)
    const payload = {
      tables: [glueTable(changes[0]!), glueTable(load!)],
      partitions: gluePartitions(changes[0]!),
    }
    assertFixture('glue-csv.json', `${JSON.stringify(payload, null, 2)}\n`)
  })

  test('have the types of Parquet where the files are Parquet', () => {
    const { changes } = rawTables(facts({ format: 'parquet' }), `${URL}/`)
    assertFixture('glue-parquet.json', `${JSON.stringify(glueTable(changes[0]!), null, 2)}\n`)
  })
})

/** The final check of the demo, with a real PostgreSQL and a real DuckDB. */

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'

import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api'

import { compareTables, countDifferences } from '../../src/demo/compare.ts'
import type { WarehouseQuery } from '../../src/demo/warehouse-dialect.ts'
import { connect } from '../../src/postgres/connect.ts'
import { testDatabase, type TestDatabase } from '../support/postgres.ts'

/** Column by column: type at the source, type in the warehouse, values that both must take for equal. */
const TYPES = [
  ['int', 'INTEGER', ['0', '-2147483648']],
  ['bigint', 'BIGINT', ['9223372036854775807']],
  ['numeric(12,2)', 'DECIMAL(12,2)', ['0', '0.5', '-9999999999.99']],
  ['numeric(38,10)', 'DECIMAL(38,10)', ['1234567890123456789012345678.0123456789']],
  [
    'numeric',
    'VARCHAR',
    ['1.500', '0.00000000000000000001', 'NaN', '123456789012345678901234567890123456789.1'],
  ],
  ['real', 'FLOAT', ['0.1', '1e20', '-0', 'NaN', 'Infinity', '16777217']],
  ['double precision', 'DOUBLE', ['0.1', '1e-7', '123456789012345680', 'NaN', '-Infinity']],
  ['bool', 'BOOLEAN', ['true', 'false']],
  ['text', 'VARCHAR', ['', ' ', 'a\n"b",\\c', '🚀', 'NULL', '-']],
  ['char(5)', 'VARCHAR', ['ab   ']],
  ['bytea', 'BLOB', [String.raw`\x`, String.raw`\x00ff5c`]],
  ['uuid', 'UUID', ['A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11']],
  ['json', 'JSON', ['{"a":  [1, null]}', '"x"']],
  ['jsonb', 'JSON', ['{"a": [1, null]}']],
  ['date', 'DATE', ['2024-02-29', 'infinity']],
  ['time', 'TIME', ['00:00:00', '23:59:59.999999', '12:00:00.5']],
  ['timestamp', 'TIMESTAMP', ['2024-03-31 02:30:00.1', '-infinity', '1969-12-31 23:59:59.999999']],
  ['timestamptz', 'TIMESTAMPTZ', ['2024-03-31 02:30:00.000001+02', 'infinity']],
  ['interval', 'VARCHAR', ['1 mon -2 days +03:04:05.6']],
] as const

/** PostgreSQL's text of two arrays, and the list that DuckDB must hold for each. */
const ARRAYS = [
  ['int[]', 'INTEGER[]', '{1,NULL,-3}', '[1, null, -3]'],
  [
    'text[]',
    'VARCHAR[]',
    '{"a,b",NULL,"NULL","","\\"q\\" \\\\"}',
    `['a,b', null, 'NULL', '', '"q" \\']`,
  ],
  ['text[]', 'VARCHAR[]', '{}', '[]'],
  ['numeric(6,2)[]', 'DECIMAL(6,2)[]', '{1.5,2}', '[1.50, 2.00]'],
  ['bool[]', 'BOOLEAN[]', '{t,f,NULL}', '[true, false, null]'],
  ['float8[]', 'DOUBLE[]', '{0.1,NaN}', `[0.1, 'NaN'::DOUBLE]`],
  ['timestamptz[]', 'TIMESTAMPTZ[]', '{2024-01-01 00:00:00+00}', `['2024-01-01 00:00:00+00']`],
] as const

describe('comparing source and warehouse', () => {
  let both: BothSides
  before(async () => {
    both = await openBothSides()
  })
  after(() => both[Symbol.asyncDispose]())

  for (const [sourceType, warehouseType, values] of TYPES) {
    test(`${sourceType} and ${warehouseType} are equal for equal values and differ for others`, async () => {
      await both.create(`v ${sourceType}`, `v ${warehouseType}`)
      for (const [i, value] of values.entries()) await both.insert(i, value, literal(value))
      await both.insert(99, null, 'null')
      assert.deepEqual(await both.differences(), [])
      // Every value is exchanged with another one, or with NULL.
      await both.duck(`update app.t set v = null where id < 99`)
      await both.duck(`update app.t set v = ${literal(values[0])} where id = 99`)
      const found = await both.differences()
      assert.equal(found.length, values.length + 1)
      assert.deepEqual(new Set(found.map(({ columns }) => columns.join())), new Set(['v']))
    })
  }

  for (const [sourceType, warehouseType, array, list] of ARRAYS) {
    test(`${sourceType} ${array} equals the list ${list}, and no longer one`, async () => {
      await both.create(`v ${sourceType}`, `v ${warehouseType}`)
      await both.insert(1, array, list)
      await both.insert(2, null, 'null')
      assert.deepEqual(await both.differences(), [])
      await both.duck(`update app.t set v = list_append(v, null) where id = 1`)
      await both.duck(`update app.t set v = [] where id = 2`)
      assert.equal((await both.differences()).length, 2)
    })
  }

  test('an array of two dimensions is not taken for a list of its elements', async () => {
    await both.create('v int[]', 'v INTEGER[]')
    await both.insert(1, '{{1,2},{3,4}}', '[1, 2, 3, 4]')
    assert.equal((await both.differences()).length, 1)
  })

  test('a microsecond, a trailing zero and a negative zero are differences', async () => {
    await both.create('a timestamptz, b numeric, c float8', 'a TIMESTAMPTZ, b VARCHAR, c DOUBLE')
    await both.pg.query(`insert into app.t values (1, '2024-01-01 00:00:00+00', 1.50, 0)`)
    await both.duck(`insert into app.t values (1, '2024-01-01 00:00:00.000001+00', '1.5', '-0')`)
    const [row] = await both.differences()
    assert.deepEqual(row, { kind: 'different', key: 'id=1', columns: ['a', 'b', 'c'] })
  })

  test('rows on one side only, and rows that are there twice, are named by their keys', async () => {
    await both.create('v text', 'v VARCHAR')
    for (const id of [1, 2, 3]) await both.pg.query(`insert into app.t values (${id}, 'x')`)
    await both.duck(`insert into app.t values (2, 'x'), (3, 'x'), (3, 'x'), (4, 'x')`)
    assert.deepEqual(await both.differences(), [
      { kind: 'missing', key: 'id=1', columns: [] },
      { kind: 'extra', key: 'id=3', columns: [] },
      { kind: 'extra', key: 'id=4', columns: [] },
    ])
  })

  test('a column or a table that the warehouse lacks makes every row differ', async () => {
    await both.create('v text', 'w VARCHAR')
    await both.pg.query(`insert into app.t values (1, null)`)
    await both.duck(`insert into app.t values (1, null)`)
    assert.deepEqual(await both.differences(), [{ kind: 'different', key: 'id=1', columns: ['v'] }])
    await both.duck('drop table app.t')
    assert.deepEqual(await both.differences(), [{ kind: 'missing', key: 'id=1', columns: [] }])
  })

  test('many rows are compared in pieces, under a composite key and without any', async () => {
    await both.create('v text', 'v VARCHAR')
    const rows = `select n, 'row ' || n from`
    const make = `create table app.composite`
    await both.pg.query(
      `${make} (a text, b int, v text, primary key (a, b));
       insert into app.composite select 'k' || n % 7, n, 'row ' || n from generate_series(1, 45000) n;
       create table app.bag as ${rows} generate_series(1, 25000) n`,
    )
    await both.duck(
      `${make} as select 'k' || n % 7 as a, n::int as b, 'row ' || n as v from range(1, 45001) r(n)`,
    )
    await both.duck(
      `create table app.bag as select n::int as n, 'row ' || n from range(1, 25001) r(n)`,
    )
    await both.duck(`alter table app.bag rename column "('row ' || n)" to "?column?"`)
    const tables = ['composite', 'bag'].map((name) => ({ namespace: 'app', name }))
    const equal = await compareTables(await both.pg.client(), both.warehouse, tables)
    assert.equal(countDifferences(equal), 0)
    assert.deepEqual(
      equal.map(({ rows: count }) => count),
      [45_000, 25_000],
    )

    await both.duck(`delete from app.composite where b = 44999`)
    await both.duck(`insert into app.bag select * from app.bag where n = 12500`)
    const unequal = await compareTables(await both.pg.client(), both.warehouse, tables)
    assert.deepEqual(
      unequal.map(({ missing, extra, different }) => [missing, extra, different]),
      [
        [1, 0, 0],
        [0, 1, 0],
      ],
    )
    assert.equal(unequal[0]?.keys[0]?.key, 'a=k3, b=44999')
  })
})

describe('a PostgreSQL warehouse', () => {
  test('is compared as the text of the source, and a column that it lacks is named', async () => {
    await using source = await testDatabase()
    await using copy = await testDatabase()
    const types = 'id int primary key, t char(4), n numeric, a timestamptz[], m money, e "char"'
    const values = `'x', 1.50, '{"2000-01-01 00:00:00+00",NULL}', 5, 'y'`
    for (const db of [source, copy]) {
      await db.query(`create schema app; create table app.t (${types});
        insert into app.t values (1, ${values}), (2, ${values}); insert into app.t values (10)`)
    }
    const client = await connect({ url: copy.url, applicationName: 'test' })
    try {
      const warehouse: WarehouseQuery = async (sql) =>
        (await client.query<unknown[]>({ text: sql, rowMode: 'array' })).rows
      const compared = async () =>
        (
          await compareTables(await source.client(), warehouse, [{ namespace: 'app', name: 't' }])
        )[0]!
      assert.deepEqual((await compared()).keys, [])
      await copy.query(`update app.t set n = 1.5 where id = 2; delete from app.t where id = 10`)
      const { rows, missing, different, keys } = await compared()
      assert.deepEqual([rows, missing, different], [3, 1, 1])
      const found = keys.map(({ key, columns }) => [key, ...columns].join(' '))
      assert.deepEqual(found, ['id=2 n', 'id=10'])
      await copy.query('alter table app.t drop column m')
      assert.deepEqual((await compared()).keys.find(({ key }) => key === 'id=1')?.columns, ['m'])
    } finally {
      await client.end()
    }
  })
})

interface BothSides extends AsyncDisposable {
  /** A table `app.t (id, …)` on both sides, in the place of any that was there. */
  create(sourceColumns: string, warehouseColumns: string): Promise<void>
  readonly pg: TestDatabase
  duck(sql: string): Promise<void>
  readonly warehouse: WarehouseQuery
  insert(id: number, value: string | null, list: string): Promise<void>
  differences(): Promise<readonly { kind: string; key: string; columns: readonly string[] }[]>
}

/** A PostgreSQL, and a DuckDB that lives in another time zone. */
async function openBothSides(): Promise<BothSides> {
  const pg = await testDatabase()
  const client = await pg.client()
  const instance = await DuckDBInstance.create(':memory:')
  const connection: DuckDBConnection = await instance.connect()
  const duck = async (sql: string) => void (await connection.run(sql))
  const warehouse = async (sql: string) => (await connection.runAndReadAll(sql)).getRows()
  await duck(`set timezone = 'America/New_York'`)
  return {
    pg,
    duck,
    warehouse,
    async create(sourceColumns, warehouseColumns) {
      await pg.query(`drop schema if exists app cascade; create schema app;
        create table app.t (id int primary key, ${sourceColumns})`)
      await duck(`drop schema if exists app cascade; create schema app;
        create table app.t (id INTEGER, ${warehouseColumns})`)
    },
    async insert(id, value, list) {
      await pg.query(`insert into app.t values ($1, $2)`, [id, value])
      await duck(`insert into app.t values (${id}, ${list})`)
    },
    async differences() {
      const tables = [{ namespace: 'app', name: 't' }]
      return (await compareTables(client, warehouse, tables))[0]!.keys
    },
    async [Symbol.asyncDispose]() {
      connection.closeSync()
      instance.closeSync()
      await pg[Symbol.asyncDispose]()
    },
  }
}

function literal(value: string): string {
  // A blob's literal names every byte.
  const text = value.startsWith(String.raw`\x`)
    ? value.slice(2).replaceAll(/../g, String.raw`\x$&`)
    : value
  return `'${text.replaceAll("'", "''")}'`
}

/** What is special about PostgreSQL as a target: what users hang on tables, rights, names, lost answers. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { CodedError } from '../../src/core/errors.ts'
import type { Shape } from '../../src/core/table.ts'
import type { Step, Target } from '../../src/core/target.ts'
import { applySteps } from '../support/apply-steps.ts'
import { arrayOf, numeric, typeOf } from '../support/column-types.ts'
import { cuttingProxy } from '../support/cutting-proxy.ts'
import { foldedRows, remove, upsert, type TestRow } from '../support/folded-rows.ts'
import { loadPart } from '../support/load-part.ts'
import { PostgresPlace } from '../support/postgres-place.ts'
import { shapeOf, UNCHANGED } from '../support/tuples.ts'

const SHAPE = shapeOf(['id', 'status'])
const LIVE = { name: SHAPE.table, isShadow: false }
const SHADOW = { name: SHAPE.table, isShadow: true }
const CREATE: Step = { type: 'create', table: LIVE, shape: SHAPE }

function fold(rows: readonly TestRow[], shape = SHAPE): Step {
  return { type: 'fold', table: { ...LIVE, name: shape.table }, shape, rows: foldedRows(rows) }
}

/** A load of one row in the place of what is there. */
function reload(shape = SHAPE, ...values: string[]): Step[] {
  return [
    { type: 'create', table: SHADOW, shape },
    { type: 'load', table: SHADOW, shape, part: loadPart([values]) },
    { type: 'swap', name: shape.table, shape },
  ]
}

async function failure(target: Target, steps: readonly Step[]): Promise<CodedError> {
  const error: unknown = await applySteps(target, steps).catch((reason: unknown) => reason)
  assert.ok(error instanceof CodedError)
  return error
}

describe('what users have made on a table', () => {
  const hung: [string, string[], string, string][] = [
    ['a view', ['create view app.v as select id from app.orders'], 'select * from app.v', '9'],
    [
      'an index',
      ['create index mine on app.orders (status)'],
      `select count(*) from pg_indexes where indexname = 'mine'`,
      '1',
    ],
    [
      'a grant',
      ['grant select on app.orders to public'],
      `select count(*) from information_schema.role_table_grants
        where table_name = 'orders' and grantee = 'PUBLIC'`,
      '1',
    ],
    [
      'a comment',
      [`comment on table app.orders is 'of the shop'`],
      `select count(*) from pg_description where description = 'of the shop'`,
      '1',
    ],
    [
      'a foreign key',
      [
        'create table app.notes (order_id text references app.orders deferrable)',
        `insert into app.notes values ('9')`,
      ],
      `select count(*) from pg_constraint where contype = 'f'`,
      '1',
    ],
  ]
  for (const [what, statements, check, expected] of hung) {
    test(`outlives a load, a truncate and a table that is made anew: ${what}`, async () => {
      await using place = await PostgresPlace.make()
      const target = await place.open()
      await applySteps(target, [CREATE, fold([upsert(['9', 'old'])])])
      for (const sql of statements) await place.db.query(sql)
      await applySteps(target, reload(SHAPE, '9', 'new'))
      assert.deepEqual(await place.rows(target, SHAPE.table), [['9', 'new']])
      assert.equal(String(Object.values((await place.db.query(check))[0]!)[0]), expected)
      await applySteps(target, [{ type: 'truncate', table: LIVE }, fold([upsert(['9', 'x'])])])
      await applySteps(target, [CREATE, fold([upsert(['9', 'y'])])])
      assert.equal(String(Object.values((await place.db.query(check))[0]!)[0]), expected)
      assert.deepEqual(await place.rows(target, SHAPE.table), [['9', 'y']])
    })
  }

  test('outlives a load that brings another shape and another key', async () => {
    await using place = await PostgresPlace.make()
    const target = await place.open()
    await applySteps(target, [CREATE, fold([upsert(['1', 'x'])])])
    await place.db.query('create view app.v as select id from app.orders')
    const other = shapeOf(['id', 'status', 'more'], [2])
    await applySteps(target, reload(other, '2', 'y', 'k'))
    assert.deepEqual(await place.db.query('select * from app.v'), [{ id: '2' }])
    await applySteps(target, [fold([upsert(['3', UNCHANGED, 'k'], [null, null, 'k'])], other)])
    assert.deepEqual(await place.rows(target, SHAPE.table), [['3', 'y', 'k']])
  })

  test('is not swept away with a table: the failure names it', async () => {
    await using place = await PostgresPlace.make()
    const target = await place.open()
    await applySteps(target, [CREATE])
    await place.db.query('create view app.v as select status from app.orders')
    const error = await failure(target, [{ type: 'drop', table: LIVE }])
    assert.equal(error.code, 'TARGET_FAILED')
    assert.match(error.message, /^app\.orders: .*view app\.v depends on table app\.orders/)
    assert.match(error.hint ?? '', /millrace resync/)
  })

  test('keeps a column from taking another type, and the failure names it', async () => {
    await using place = await PostgresPlace.make()
    const target = await place.open()
    const from = { ...SHAPE, columns: [SHAPE.columns[0]!, column('n', typeOf('int4'))] }
    const to = { ...from, columns: [SHAPE.columns[0]!, column('n', typeOf('int8'))] }
    await applySteps(target, [{ ...CREATE, shape: from }, fold([upsert(['1', '7'])], from)])
    await place.db.query('create view app.v as select n from app.orders')
    const alter: Step = { type: 'alter', table: LIVE, from, to, defaults: {} }
    const error = await failure(target, [alter])
    assert.equal(error.code, 'TARGET_FAILED')
    assert.match(error.message, /view app\.v depends on column "n"/)
    await place.db.query('drop view app.v')
    await applySteps(target, [alter, fold([upsert(['2', '9007199254740993'])], to)])
    assert.deepEqual(await place.rows(target, SHAPE.table), [['1', '7'], ['2', '9007199254740993']]) // prettier-ignore
  })
})

function column(name: string, type: Shape['columns'][number]['type']): Shape['columns'][number] {
  return { name, type, wire: 1 }
}

describe('a column that takes another type', () => {
  const cases: [string, string, [ReturnType<typeof typeOf>, string], ReturnType<typeof typeOf>][] =
    [
      ['keeps', 'bigint', [typeOf('int4'), '7'], typeOf('int8')],
      ['keeps', 'numeric', [typeOf('int4'), '7'], typeOf('numeric')],
      ['keeps', 'numeric(12,2)', [numeric(10, 2), '1.50'], numeric(12, 2)],
      ['keeps', 'text', [typeOf('varchar', 14), 'x'], typeOf('text')],
      ['keeps', 'jsonb', [typeOf('text'), '{"a": 1}'], typeOf('jsonb')],
      ['loses', 'jsonb', [typeOf('text'), '{"a":1}'], typeOf('jsonb')],
      ['loses', 'integer', [typeOf('text'), 'seven'], typeOf('int4')],
      ['loses', 'numeric(10,1)', [numeric(10, 2), '1.55'], numeric(10, 1)],
    ]
  for (const [verb, name, [before, value], after] of cases) {
    const what = verb === 'keeps' ? 'does so if every value keeps its text' : 'is refused otherwise'
    test(`${what}: ${value} as ${name}`, async () => {
      await using place = await PostgresPlace.make()
      const target = await place.open()
      const from = { ...SHAPE, columns: [SHAPE.columns[0]!, column('n', before)] }
      const to = { ...SHAPE, columns: [SHAPE.columns[0]!, column('n', after)] }
      await applySteps(target, [{ ...CREATE, shape: from }, fold([upsert(['1', value])], from)])
      const alter: Step = { type: 'alter', table: LIVE, from, to, defaults: {} }
      if (verb === 'keeps') {
        await applySteps(target, [alter])
        const [type] = await place.db.query(
          `select format_type(atttypid, atttypmod) as type from pg_attribute
            where attrelid = 'app.orders'::regclass and attname = 'n'`,
        )
        assert.equal(type!['type'], name)
      } else {
        assert.equal((await failure(target, [alter])).code, 'DDL_AMBIGUOUS')
      }
      assert.deepEqual(await place.rows(target, SHAPE.table), [['1', value]])
    })
  }
})

describe('the key', () => {
  const keyOf = async (place: PostgresPlace): Promise<unknown> => {
    const [row] = await place.db.query(
      `select string_agg(a.attname, ',' order by a.attnum) as key from pg_index i
         join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any (i.indkey)
        where i.indrelid = 'app.orders'::regclass and i.indisprimary`,
    )
    return row!['key']
  }

  test('is the primary key of tables that we make, and changes with that of the source', async () => {
    await using place = await PostgresPlace.make()
    const target = await place.open()
    await applySteps(target, [CREATE])
    assert.equal(await keyOf(place), 'id')
    const both = { ...SHAPE, key: [0, 1] }
    await applySteps(target, [
      { type: 'alter', table: LIVE, from: SHAPE, to: both, defaults: {} },
      fold([upsert(['1', 'a']), upsert(['1', 'b'])], both),
    ])
    assert.equal(await keyOf(place), 'id,status')
    const status = {
      ...SHAPE,
      key: [1],
      columns: [{ ...SHAPE.columns[0]!, wire: null }, SHAPE.columns[1]!],
    }
    await applySteps(target, [
      { type: 'alter', table: LIVE, from: both, to: status, defaults: {} },
      fold([upsert([null, 'c'])], status),
    ])
    assert.equal(await keyOf(place), 'status')
    assert.equal((await place.rows(target, SHAPE.table))?.length, 3)
  })

  test('may be of a type of an extension', async () => {
    await using place = await PostgresPlace.make()
    await place.db.query('create schema "its own"; create extension hstore schema "its own"')
    const target = await place.open()
    const shape = { ...SHAPE, columns: [column('id', typeOf('hstore')), SHAPE.columns[1]!] }
    const id = '"a"=>"1"'
    await applySteps(target, [
      { ...CREATE, shape },
      fold([upsert([id, 'x'])], shape),
      fold([upsert([id, UNCHANGED], [id, null])], shape),
      fold([upsert(['"b"=>NULL', 'y'])], shape),
    ])
    assert.equal(await keyOf(place), 'id')
    await applySteps(target, [fold([remove([id, null])], shape)])
    assert.deepEqual(await place.rows(target, SHAPE.table), [['"b"=>NULL', 'y']])
  })

  test('is left out where its type has no order', async () => {
    await using place = await PostgresPlace.make()
    const target = await place.open()
    const shape = { ...SHAPE, columns: [column('id', typeOf('json')), SHAPE.columns[1]!] }
    await applySteps(target, [{ ...CREATE, shape }])
    assert.equal(await keyOf(place), null)
  })
})

describe('a batch of nothing but inserts', () => {
  const inserts = (...rows: TestRow[]): Step => ({
    type: 'fold',
    table: LIVE,
    shape: SHAPE,
    rows: foldedRows(rows, true),
  })
  const madeTables = async (place: PostgresPlace): Promise<unknown> => {
    const [row] = await place.db.query(`select max(oid) as oid from pg_class`)
    return row!['oid']
  }

  test('goes into the table without a temporary one', async () => {
    await using place = await PostgresPlace.make()
    const target = await place.open()
    await applySteps(target, [CREATE, inserts(upsert(['1', 'a']))])
    const before = await madeTables(place)
    await applySteps(target, [inserts(upsert(['2', '']), upsert(['3', null]))])
    assert.equal(await madeTables(place), before)
    const rows = await place.rows(target, SHAPE.table)
    assert.deepEqual(rows, [['1', 'a'], ['2', ''], ['3', null]]) // prettier-ignore
  })

  test('replaces what is there all the same', async () => {
    await using place = await PostgresPlace.make()
    const target = await place.open()
    await applySteps(target, [CREATE, inserts(upsert(['2', 'old']))])
    await applySteps(target, [
      inserts(upsert(['1', 'new']), upsert(['2', 'new'])),
      inserts(upsert(['3', 'new'])),
    ])
    const rows = await place.rows(target, SHAPE.table)
    assert.deepEqual(rows, [['1', 'new'], ['2', 'new'], ['3', 'new']]) // prettier-ignore
  })

  test('replaces what is there where the table has no key that would say so', async () => {
    await using place = await PostgresPlace.make()
    const target = await place.open()
    await applySteps(target, [CREATE, inserts(upsert(['1', 'old']))])
    await place.db.query('alter table app.orders drop constraint orders_pkey')
    await applySteps(target, [inserts(upsert(['1', 'new']))])
    assert.deepEqual(await place.rows(target, SHAPE.table), [['1', 'new']])
  })

  test('says which column a value does not fit', async () => {
    await using place = await PostgresPlace.make()
    const target = await place.open()
    await applySteps(target, [CREATE])
    await place.db.query('alter table app.orders alter status type int using status::int')
    const error = await failure(target, [inserts(upsert(['1', 's3cret']))])
    assert.deepEqual([error.code, error.details['column']], ['VALUE_UNFIT', 'status'])
  })
})

describe('a value that a column cannot hold', () => {
  test('is VALUE_UNFIT, with the column and without the value', async () => {
    await using place = await PostgresPlace.make()
    const target = await place.open()
    await applySteps(target, [CREATE])
    await place.db.query('alter table app.orders alter status type int using status::int')
    const error = await failure(target, [fold([upsert(['1', 's3cret'])])])
    assert.equal(error.code, 'VALUE_UNFIT')
    assert.deepEqual([error.details['table'], error.details['column']], ['app.orders', 'status'])
    assert.doesNotMatch(`${error.message} ${JSON.stringify(error.details)}`, /s3cret/)
    assert.equal(error.cause, undefined)
    const loaded = await failure(target, [
      { type: 'load', table: LIVE, shape: SHAPE, part: loadPart([['1', 's3cret']]) },
    ])
    assert.deepEqual([loaded.code, loaded.details['column']], ['VALUE_UNFIT', 'status'])
    await applySteps(target, [fold([upsert(['1', '5'])])])
    assert.deepEqual(await place.rows(target, SHAPE.table), [['1', '5']])
  })

  test('breaks a constraint of the target, which is named', async () => {
    await using place = await PostgresPlace.make()
    const target = await place.open()
    await applySteps(target, [CREATE])
    await place.db.query('create unique index one_status on app.orders (status)')
    const error = await failure(target, [fold([upsert(['1', 's3cret']), upsert(['2', 's3cret'])])])
    assert.deepEqual([error.code, error.details['table']], ['TARGET_FAILED', 'app.orders'])
    assert.match(error.message, /one_status/)
    assert.doesNotMatch(`${error.message} ${JSON.stringify(error.details)}`, /s3cret/)
  })
})

test('any name of a table or a column is taken, of 63 bytes too', async () => {
  await using place = await PostgresPlace.make()
  const target = await place.open()
  const long = `${'ü'.repeat(30)}abc`
  const tables = [long, `${'ü'.repeat(30)}abd`, 'Or"d\'er.s', 'select', '$1 \\ ?']
  for (const name of tables) {
    const shape = { ...shapeOf(['op', long, 'v0', "o'ne \"two\" \\3"], [0, 1]), table: { namespace: 'A "b"', name } } // prettier-ignore
    const table = { name: shape.table, isShadow: false }
    const shadow = { name: shape.table, isShadow: true }
    const part = loadPart([['1', '2', '3', '4']])
    await applySteps(target, [
      { type: 'create', table, shape },
      fold([upsert(['1', '2', '3', '4'])], shape),
      fold([upsert(['1', '2', UNCHANGED, '5'], ['1', '2', null, null])], shape),
      { type: 'create', table: shadow, shape },
      { type: 'load', table: shadow, shape, part },
    ])
    assert.deepEqual(await place.rows(target, shape.table), [['1', '2', '3', '5']])
  }
  for (const name of tables) {
    await applySteps(target, [{ type: 'swap', name: { namespace: 'A "b"', name }, shape: SHAPE }])
    const rows = await place.rows(target, { namespace: 'A "b"', name })
    assert.deepEqual(rows, [['1', '2', '3', '4']])
  }
})

test('a table of one column takes what looks like the end of the data, and nothing', async () => {
  await using place = await PostgresPlace.make()
  const target = await place.open()
  const shape = { ...shapeOf(['id']), key: [] }
  const values = ['\\.', '', null, '"', '\\', '\\N', '.']
  const part = loadPart(values.map((value) => [value]))
  const load: Step = { type: 'load', table: LIVE, shape, part }
  await applySteps(target, [{ type: 'create', table: LIVE, shape }, load])
  const rows = await place.db.query('select id from app.orders order by ctid')
  assert.deepEqual(
    rows.map(({ id }) => id),
    values,
  )
})

describe('a user of the target', () => {
  test('needs no more than to make schemas and temporary tables', async () => {
    await using place = await PostgresPlace.make()
    const { name } = place.db
    await place.db.query(`create role ${name} login password 'x'`)
    await place.db.query(`revoke all on database ${name} from public`)
    await place.db.query(`grant connect, create, temporary on database ${name} to ${name}`)
    const url = new URL(place.db.url)
    url.username = name
    url.password = 'x'
    const source = { slot: 'none', systemId: '1' }
    const target = await place.open({ url: url.href, source })
    try {
      await applySteps(target, [CREATE, fold([upsert(['1', 'a'])])])
      await place.db.query('create table app.notes (id int, order_id text references app.orders)')
      await applySteps(target, [
        fold([upsert(['1', UNCHANGED], ['1', null]), upsert(['2', 'b'])]),
        { type: 'alter', table: LIVE, from: SHAPE, to: shapeOf(['id', 'status', 'x']), defaults: { x: 'y' } },
      ]) // prettier-ignore
      await applySteps(target, reload(shapeOf(['id', 'status', 'x']), '1', 'a', 'z'))
      assert.deepEqual(await place.rows(target, SHAPE.table), [['1', 'a', 'z']])
    } finally {
      await target.close()
      await place.db.query(`drop owned by ${name} cascade`)
      await place.db.query(`drop role ${name}`)
    }
  })

  test('who may do so leaves out the triggers and foreign keys of the target', async () => {
    await using place = await PostgresPlace.make()
    const target = await place.open()
    await applySteps(target, [CREATE, fold([upsert(['1', 'a'])])])
    await place.db.query('create table app.notes (order_id text references app.orders)')
    await place.db.query(`insert into app.notes values ('1')`)
    await applySteps(target, [fold([remove(['1', null])]), fold([upsert(['2', 'b'])])])
    assert.deepEqual(await place.rows(target, SHAPE.table), [['2', 'b']])
  })
})

describe('a COMMIT without an answer', () => {
  const cases = [
    ['that took effect is done, and not done again', 'before its answer'],
    ['that did not arrive is tried again', 'before it arrives'],
  ] as const
  for (const [name, when] of cases) {
    test(name, async () => {
      await using place = await PostgresPlace.make()
      await using proxy = await cuttingProxy(place.db.url)
      const target = await place.open({ url: proxy.url })
      await applySteps(target, [CREATE])
      const { n, epoch, v } = await target.ledger()
      const commit = (): Promise<boolean> =>
        target.commit({
          expect: { main: { n, epoch, v }, straggler: null },
          steps: (async function* () {
            yield await Promise.resolve(fold([upsert(['3', 'c'])]))
          })(),
          ledger: { main: { n: n + 1, epoch, v }, stragglers: new Map(), tables: new Map() },
        })
      proxy.cut('COMMIT\0', when)
      if (when === 'before its answer') assert.equal(await commit(), true)
      else await assert.rejects(commit(), { code: 'CONNECTION_LOST' })
      assert.equal(await commit(), when === 'before it arrives')
      assert.deepEqual(await place.rows(target, SHAPE.table), [['3', 'c']])
      assert.equal((await target.ledger()).n, n + 1)
    })
  }
})

test('the source is refused as a target', async () => {
  await using place = await PostgresPlace.make()
  const { name } = place.db
  await place.db.query(`select pg_create_logical_replication_slot('${name}', 'pgoutput')`)
  const [row] = await place.db.query(
    'select system_identifier::text as id from pg_control_system()',
  )
  const source = { slot: name, systemId: String(row!['id']) }
  await assert.rejects((await place.open({ source })).open(), {
    code: 'TARGET_FAILED',
    message: 'the target is the database that we read from',
  })
  const other = await place.open({ source: { ...source, systemId: '1' } })
  assert.equal(await other.open(), null)
})

test('types that the target has are kept, and others are text', async () => {
  await using place = await PostgresPlace.make()
  const target = await place.open()
  await place.db.query(`create schema app; create type app.mood as enum ('sad', 'ok');
    create schema other; create type other.elsewhere as (a int); create table other.mine (id int)`)
  const types: [ReturnType<typeof typeOf>, string][] = [
    [typeOf('mood'), 'app.mood'],
    [arrayOf(typeOf('mood')), 'app.mood[]'],
    [typeOf('elsewhere'), 'other.elsewhere'],
    [typeOf('mine'), 'text'],
    [typeOf('nowhere'), 'text'],
    [numeric(10, 2), 'numeric(10,2)'],
    [arrayOf(numeric(10, 2)), 'numeric(10,2)[]'],
    [typeOf('varchar', 14), 'character varying(10)'],
    [typeOf('timestamptz', 3), 'timestamp(3) with time zone'],
    [typeOf('regclass'), 'text'],
    [arrayOf(arrayOf(typeOf('int4'))), 'text'],
    [typeOf('int2vector'), 'int2vector'],
    [typeOf('char'), '"char"'],
    [typeOf('bit', 3), 'bit(3)'],
  ]
  const columns = types.map(([type], i) => ({ name: `c${i}`, type, wire: i + 1 }))
  const shape = { ...SHAPE, columns: [SHAPE.columns[0]!, ...columns] }
  await applySteps(target, [{ ...CREATE, shape }])
  const rows = await place.db.query(
    `select format_type(atttypid, atttypmod) as type from pg_attribute
      where attrelid = 'app.orders'::regclass and attnum > 1 order by attnum`,
  )
  assert.deepEqual(
    rows.map(({ type }) => type),
    types.map(([, name]) => name),
  )
})

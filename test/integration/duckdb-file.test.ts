/** What is DuckDB's own: its file, its lock, its reader of CSV, and what it can and cannot alter. */

import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'

import { packageRoot } from '../../src/cli/package-root.ts'
import { Fold } from '../../src/core/fold.ts'
import type { Shape } from '../../src/core/table.ts'
import type { LoadPart, Step } from '../../src/core/target.ts'
import type { DuckdbTarget } from '../../src/targets/duckdb/target.ts'
import { applySteps } from '../support/apply-steps.ts'
import { arrayOf, numeric, typeOf } from '../support/column-types.ts'
import { DuckdbPlace } from '../support/duckdb-place.ts'
import { foldedRows, remove, upsert, type TestRow } from '../support/folded-rows.ts'
import { logOf, shapeOf, UNCHANGED } from '../support/tuples.ts'

const ROOT = packageRoot()
const SHAPE = shapeOf(['id', 'text'])
const LIVE = { name: SHAPE.table, isShadow: false }
const CREATE: Step = { type: 'create', table: LIVE, shape: SHAPE }

function fold(rows: readonly TestRow[], shape = SHAPE): Step {
  return { type: 'fold', table: LIVE, shape, rows: foldedRows(rows) }
}

interface Setting {
  readonly place: DuckdbPlace
  readonly target: DuckdbTarget
}

/** Runs `check` on a target with an empty table app.orders. */
async function onTarget(check: (setting: Setting) => Promise<void>): Promise<void> {
  await using place = await DuckdbPlace.make()
  const target = await place.open()
  try {
    await applySteps(target, [CREATE])
    await check({ place, target })
  } finally {
    await target.close()
  }
}

test('a file that another process holds open is named, with the process', async () => {
  await using place = await DuckdbPlace.make()
  const script = `const { DuckDBInstance } = await import('@duckdb/node-api')
    globalThis.kept = await DuckDBInstance.create(process.argv[1])
    console.log('open'); setInterval(() => {}, 1e6)`
  const args = ['--input-type=module', '-e', script, place.path]
  const other = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] })
  await once(other.stdout, 'data')
  await assert.rejects(place.open(), {
    code: 'TARGET_LOCKED',
    message: `${place.path} is held open by ${process.execPath} (pid ${other.pid})`,
    details: { path: place.path, pid: other.pid },
  })
  other.kill('SIGKILL')
  await once(other, 'exit')
  const target = await place.open()
  assert.equal(await target.open(), null)
  await target.close()
})

test('a file that is no database is left as it is', async () => {
  await using place = await DuckdbPlace.make()
  await writeFile(place.path, 'no database\n'.repeat(1000))
  await assert.rejects(place.open(), {
    code: 'TARGET_FAILED',
    message: `${place.path} is not a DuckDB database`,
  })
  assert.deepEqual(await readdir(place.folder), ['ware house.duckdb'])
})

test('a missing package is named, with the line that installs it', async () => {
  await using place = await DuckdbPlace.make()
  const hooks = `export async function resolve(name, context, next) {
    if (name === '@duckdb/node-api') throw new Error('not found')
    return next(name, context)
  }`
  const register = `import { register } from 'node:module'
    register('data:text/javascript,' + ${JSON.stringify(encodeURIComponent(hooks))})`
  const script = `import { DuckdbTarget } from './src/targets/duckdb/target.ts'
    const options = { name: 'local', path: process.argv[1], lakeId: 'l', consumer: 'c' }
    await DuckdbTarget.open(options).catch(({ code, hint }) => console.log(code, hint))`
  const imports = ['tsx', `data:text/javascript,${encodeURIComponent(register)}`]
  const args = [
    ...imports.flatMap((name) => ['--import', name]),
    '--input-type=module',
    '-e',
    script,
  ]
  const { stdout } = spawnSync(process.execPath, [...args, place.path], { cwd: ROOT })
  assert.equal(String(stdout), 'PACKAGE_MISSING run: npm install @duckdb/node-api\n')
})

test('targets of one process share a file, which is free when the last is closed', async () => {
  await using place = await DuckdbPlace.make()
  const one = await place.open({ consumer: 'shop/one' })
  const two = await place.open({ consumer: 'shop/two' })
  await applySteps(one, [CREATE, fold([upsert(['1', 'by one'])])])
  await one.close()
  await one.close()
  await applySteps(two, [fold([upsert(['2', 'by two'])])])
  assert.equal((await place.rows(two, SHAPE.table))?.length, 2)
  await two.close()
  const again = await place.open({ consumer: 'shop/one', memoryLimit: '512MiB' })
  assert.equal((await again.open())?.n, 0)
  await again.close()
  assert.deepEqual(await readdir(place.folder), ['ware house.duckdb'])
})

test('a target that is opened while the file is being closed has it', async () => {
  await using place = await DuckdbPlace.make()
  const one = await place.open()
  const query = one.query('SELECT count(*) AS n FROM range(1000)')
  const closing = one.close()
  const two = await place.open()
  await Promise.allSettled([closing, query])
  assert.equal(await two.open(), null)
  await two.close()
})

test('closing does not wait for a query that would take hours', async () => {
  await using place = await DuckdbPlace.make()
  const target = await place.open()
  const query = target.query(
    'SELECT sum(a.range * b.range) FROM range(100_000_000) a, range(1_000_000) b',
  )
  const isStopped = assert.rejects(query, { code: 'TARGET_FAILED' })
  await target.close()
  await isStopped
})

test('a query sees the last commit and does not wait for the next', () =>
  onTarget(async ({ place, target }) => {
    const steps = async function* (): AsyncGenerator<Step> {
      yield fold([upsert(['1', 'not yet'])])
      assert.deepEqual(await place.rows(target, SHAPE.table), [])
      assert.equal((await target.ledger()).n, 0)
    }
    const { n, epoch, v } = await target.ledger()
    const ledger = { main: { n: 9, epoch, v }, stragglers: new Map(), tables: new Map() }
    const expect = { main: { n, epoch, v }, straggler: null }
    assert.equal(await target.commit({ expect, steps: steps(), ledger }), true)
    assert.deepEqual(await place.rows(target, SHAPE.table), [['1', 'not yet']])
  }))

test('staged files go with their step, also when it fails, and those of a killed process when the file is opened', async () => {
  await using place = await DuckdbPlace.make()
  const stagingDir = join(place.folder, 'staging')
  const first = await place.open({ stagingDir })
  const foreign = join(stagingDir, 'warehouse2.duckdb-1.csv')
  await writeFile(foreign, 'of another database')
  await writeFile(join(stagingDir, 'ware house.duckdb-17.csv'), 'left behind')
  await first.close()
  const target = await place.open({ stagingDir })
  await applySteps(target, [CREATE, fold([upsert(['1', 'x'])])])
  const bad = fold([upsert(['2', UNCHANGED], ['2', null])])
  await assert.rejects(applySteps(target, [bad]), { code: 'FILL_MISSING' })
  assert.deepEqual(await readdir(stagingDir), ['warehouse2.duckdb-1.csv'])
  await target.close()
  assert.deepEqual(await readdir(stagingDir), ['warehouse2.duckdb-1.csv'])
})

test('a fold of the real kind arrives: chains of keys, values kept, inserts and deletes', () =>
  onTarget(async ({ place, target }) => {
    await applySteps(target, [
      fold([upsert(['1', 'long']), upsert(['2', 'b']), upsert(['3', 'c'])]),
    ])
    const log = logOf([
      { op: 'insert', lsn: 1n, ordinal: 2, values: ['9', 'new'] },
      { op: 'delete', lsn: 1n, ordinal: 4, values: ['1', null] },
      { op: 'insert', lsn: 1n, ordinal: 5, values: ['5', UNCHANGED] },
      { op: 'delete', lsn: 2n, ordinal: 2, values: ['5', null] },
      { op: 'insert', lsn: 2n, ordinal: 3, values: ['6', UNCHANGED] },
      { op: 'update', lsn: 2n, ordinal: 4, values: ['2', ''] },
      { op: 'delete', lsn: 3n, ordinal: 2, values: ['3', null] },
    ])
    const real = new Fold(SHAPE)
    real.add(log)
    await applySteps(target, [{ type: 'fold', table: LIVE, shape: SHAPE, rows: real.finish() }])
    assert.deepEqual(await place.rows(target, SHAPE.table), [['2', ''], ['6', 'long'], ['9', 'new']]) // prettier-ignore
  }))

async function part(
  place: DuckdbPlace,
  text: string,
  format: 'csv' | 'csv.gz',
  rows: number,
): Promise<LoadPart> {
  const localPath = join(place.folder, `part.${format}`)
  const whole = `Op,_order,_lsn,_seq,_committed_at,_unchanged,id,text\n${text}`
  await writeFile(localPath, format === 'csv' ? whole : gzipSync(whole))
  const read = () => assert.fail('DuckDB can read the file itself')
  return { path: `app/orders/load/a1/1.${format}`, localPath, format, rows, read }
}

function load(from: LoadPart): Step {
  return { type: 'load', table: LIVE, shape: SHAPE, part: from }
}

const LENGTHS =
  'SELECT id, CAST(length(text) AS INTEGER) AS n, md5(text) AS h FROM app.orders ORDER BY id'

test('values of many megabytes arrive whole', () =>
  onTarget(async ({ place, target }) => {
    const values = ['a\n"b",'.repeat(1_000_000), 'I,7,8,2,,,1,x\n'.repeat(400_000), 'short']
    const lines = values.map((value, i) => `I,7,8,2,,,${i},"${value.replaceAll('"', '""')}"\n`)
    await applySteps(target, [fold(values.map((value, i) => upsert([String(i), value])))])
    const folded = await target.query(LENGTHS)
    assert.deepEqual(folded.map(({ n }) => n), values.map(({ length }) => length)) // prettier-ignore
    for (const format of ['csv', 'csv.gz'] as const) {
      const step = load(await part(place, lines.join(''), format, 3))
      await applySteps(target, [{ type: 'truncate', table: LIVE }, step])
      assert.deepEqual(await target.query(LENGTHS), folded)
    }
  }))

/** Read by several threads, DuckDB takes such values for lines of the file and fails. */
test('texts that look like lines of the file arrive whole, however many threads there are', async () => {
  await using place = await DuckdbPlace.make()
  const target = await place.open({ threads: 2 })
  const value = 'u,1,x\n'.repeat(400)
  const upserts = Array.from({ length: 8000 }, (_, i) => upsert([String(i), value]))
  await applySteps(target, [CREATE, fold(upserts)])
  const rows = await target.query(
    'SELECT text, CAST(count(*) AS INTEGER) AS n FROM app.orders GROUP BY text',
  )
  assert.deepEqual(rows, [{ text: value, n: 8000 }])
  await target.close()
})

test('a file of the lake that is cut off, or gone, is not loaded', () =>
  onTarget(async ({ place, target }) => {
    for (const text of ['I,7,8,2,,,1,"x\n', 'I,7,8,2,,,1\n', 'I,7,8,2,,,1,a,b\n']) {
      const step = load(await part(place, text, 'csv', 1))
      await assert.rejects(applySteps(target, [step]), {
        code: 'LAKE_DAMAGED',
      })
    }
    const gone = await part(place, 'I,7,8,2,,,1,x\n', 'csv', 1)
    await rm(gone.localPath!)
    await assert.rejects(applySteps(target, [load(gone)]), { code: 'OBJECT_MISSING' })
    assert.deepEqual(await place.rows(target, SHAPE.table), [])
  }))

test('a name that differs from another only in case is refused, since DuckDB would replace that', () =>
  onTarget(async ({ place, target }) => {
    const name = { namespace: 'app', name: 'Orders' }
    for (const isShadow of [false, true]) {
      const create: Step = { ...CREATE, table: { name, isShadow } }
      await assert.rejects(applySteps(target, [create]), {
        code: 'TARGET_FAILED',
        message: 'app.~4Frders differs from "orders" only in case, which DuckDB ignores',
      })
    }
    const inApp = { name: { namespace: 'APP', name: 'others' }, isShadow: false }
    await assert.rejects(applySteps(target, [{ ...CREATE, table: inApp }]), {
      code: 'TARGET_FAILED',
      message: '~41~50~50.others differs from "app" only in case, which DuckDB ignores',
    })
    const from = SHAPE.table
    await applySteps(target, [fold([upsert(['1', 'x'])]), { type: 'rename', from, to: name }])
    assert.deepEqual(await place.rows(target, name), [['1', 'x']])
  }))

test('the schema of the ledger is not for tables', () =>
  onTarget(async ({ target }) => {
    const table = { name: { namespace: '_Millrace', name: 'ledger' }, isShadow: false }
    await assert.rejects(applySteps(target, [{ ...CREATE, table }]), { code: 'TARGET_FAILED' })
    assert.equal((await target.ledger()).n, 0)
  }))

test('an index that somebody made, and that does not hold, is named without the values', () =>
  onTarget(async ({ target }) => {
    const index: Step = fold([upsert(['1', 'secret'])])
    await applySteps(target, [index])
    await target.query('CREATE UNIQUE INDEX one ON app.orders (text)')
    await assert.rejects(applySteps(target, [fold([upsert(['2', 'secret'])])]), (error: Error) => {
      assert.match(error.message, /^app\.orders: .* constraint/)
      assert.ok(!error.message.includes('secret') && error.cause === undefined)
      return true
    })
  }))

function typed(shape: Shape, types: readonly Shape['columns'][number]['type'][]): Shape {
  return { ...shape, columns: shape.columns.map((column, i) => ({ ...column, type: types[i]! })) }
}

const RETYPED = [
  { from: typeOf('int4'), to: typeOf('int8'), values: ['7', null], keeps: true },
  { from: typeOf('varchar', 14), to: typeOf('text'), values: ['x'], keeps: true },
  { from: numeric(10, 2), to: numeric(12, 2), values: ['1.50'], keeps: true },
  { from: numeric(10, 2), to: typeOf('numeric'), values: ['1.50', '-0.50'], keeps: true },
  { from: typeOf('int8'), to: typeOf('text'), values: ['-7'], keeps: true },
  { from: typeOf('text'), to: typeOf('int4'), values: ['7', null], keeps: true },
  { from: typeOf('text'), to: typeOf('int4'), values: ['007'], keeps: false },
  { from: numeric(10, 2), to: typeOf('int4'), values: ['1.50'], keeps: false },
  { from: typeOf('int8'), to: typeOf('int4'), values: ['3000000000'], keeps: false },
  { from: typeOf('bytea'), to: typeOf('text'), values: ['\\x00'], keeps: false },
  { from: typeOf('timestamp'), to: typeOf('timestamptz'), values: ['2024-01-01 00:00:00'], keeps: false }, // prettier-ignore
  { from: numeric(2, 2), to: typeOf('numeric'), values: ['0.50'], keeps: false },
]

for (const { from, to, values, keeps } of RETYPED) {
  const change = `${from.name} (${from.modifier}) to ${to.name} (${to.modifier})`
  test(`a change of ${values.join()} from ${change} ${keeps ? 'keeps the values' : 'wants a load'}`, () =>
    onTarget(async ({ place, target }) => {
      const [before, after] = [from, to].map((type) => typed(SHAPE, [typeOf('int4'), type]))
      const rows = values.map((value, i) => upsert([String(i), value]))
      await applySteps(target, [{ ...CREATE, shape: before! }, fold(rows, before)])
      const alter: Step = { type: 'alter', table: LIVE, from: before!, to: after!, defaults: {} }
      if (keeps) {
        await applySteps(target, [alter, fold([remove(['7', null])], after)])
        const arrived = (await place.rows(target, SHAPE.table))!.map(([, value]) => value)
        assert.deepEqual(arrived, values)
      } else {
        await assert.rejects(applySteps(target, [alter]), {
          code: 'DDL_AMBIGUOUS',
          details: { table: 'app.orders', column: 'text' },
        })
      }
    }))
}

test('a column that was dropped stays with what it held, until it comes back as a new one', () =>
  onTarget(async ({ place, target }) => {
    const dropped = shapeOf(['id', '-text', 'more'])
    const back = shapeOf(['id', 'text', 'more'])
    await applySteps(target, [fold([upsert(['1', 'held']), upsert(['2', 'held'])])])
    const drop: Step = { type: 'alter', table: LIVE, from: SHAPE, to: dropped, defaults: {} }
    await applySteps(target, [drop, fold([upsert(['2', null, 'm'])], dropped)])
    assert.deepEqual(await place.rows(target, SHAPE.table), [['1', 'held', null], ['2', null, 'm']]) // prettier-ignore
    const add: Step = {
      type: 'alter',
      table: LIVE,
      from: dropped,
      to: back,
      defaults: { text: 'd' },
    }
    await applySteps(target, [add])
    const rows = await target.query('SELECT id, text, more FROM app.orders ORDER BY id')
    assert.deepEqual(rows, [{ id: '1', text: 'd', more: null }, { id: '2', text: 'd', more: 'm' }]) // prettier-ignore
  }))

test('defaults of added columns are values of their types', () =>
  onTarget(async ({ target }) => {
    const types = [typeOf('text'), typeOf('text'), arrayOf(typeOf('text')), typeOf('bytea'), typeOf('date'), numeric(5, 2)] // prettier-ignore
    const wider = typed(shapeOf(['id', 'text', 'tags', 'raw', 'day', 'price']), types)
    const defaults = {
      tags: String.raw`{a,"b \"c\"",NULL}`,
      raw: '\\x00ff',
      day: '0044-03-15 BC',
      price: '1.50',
    }
    const alter: Step = { type: 'alter', table: LIVE, from: SHAPE, to: wider, defaults }
    await applySteps(target, [fold([upsert(['1', 'x'])]), alter, fold([], wider)])
    const [row] = await target.query('SELECT tags, hex(raw) AS raw, day, price FROM app.orders')
    const expected = {
      tags: ['a', 'b "c"', null],
      raw: '00FF',
      day: '0044-03-15 (BC)',
      price: '1.50',
    }
    assert.deepEqual(row, expected)
  }))

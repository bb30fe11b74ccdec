/**
 * Every statement that goes to Redshift, against golden files: what it is sent is a contract that no
 * server of ours can check. `UPDATE_GOLDEN=1` writes the files anew; read what changed.
 */

import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'

import { packageRoot } from '../../../../src/cli/package-root.ts'
import { tableId, type Shape } from '../../../../src/core/table.ts'
import type { Step } from '../../../../src/core/target.ts'
import type { ColumnType } from '../../../../src/core/type.ts'
import { MemoryStore } from '../../../../src/storage/memory-store.ts'
import type { Layout } from '../../../../src/targets/redshift/layout.ts'
import { RedshiftSession } from '../../../../src/targets/redshift/session.ts'
import { RedshiftTarget } from '../../../../src/targets/redshift/target.ts'
import { bucketOf } from '../../../support/bucket.ts'
import { foldedRows, remove, upsert, type TestRow } from '../../../support/folded-rows.ts'
import { loadPart } from '../../../support/load-part.ts'
import { ScriptedRedshift, type Script } from '../../../support/scripted-redshift.ts'
import { UNCHANGED } from '../../../support/tuples.ts'

const GOLDEN = join(packageRoot(), 'test/fixtures/redshift')

function type(name: string, modifier = -1): ColumnType {
  return { oid: 1, name, modifier }
}

/** `ns.table`, and types by the names of the columns; the first is the key. */
function shape(name: string, columns: Readonly<Record<string, ColumnType>>): Shape {
  const [namespace, table] = name.split('.')
  return {
    table: { namespace: namespace!, name: table! },
    oid: 16_384,
    number: 1,
    columns: Object.entries(columns).map(([column, of], wire) => ({
      name: column,
      type: of,
      wire,
    })),
    key: [0],
  }
}

const ORDERS = shape('app.orders', {
  id: type('int8'),
  Note: type('text'),
  amount: type('numeric', ((10 << 16) | 2) + 4),
  doc: type('jsonb'),
  oid: type('int4'),
})
const FILES = shape('app.files', { path: type('text'), content: type('bytea') })

const ROWS = [
  upsert(['1', 'a', '1.50', '{"a": 1}', '7']),
  upsert(['2', UNCHANGED, '2.50', UNCHANGED, null], ['2', null, null, null, null]),
  remove(['3', null, null, null, null]),
]

function live({ table: name }: Shape): { name: Shape['table']; isShadow: boolean } {
  return { name, isShadow: false }
}

function shadow({ table: name }: Shape): { name: Shape['table']; isShadow: boolean } {
  return { name, isShadow: true }
}

function fold(of: Shape, rows: readonly TestRow[], table = live(of)): Step {
  return { type: 'fold', table, shape: of, rows: foldedRows(rows) }
}

async function* each(steps: readonly Step[]): AsyncGenerator<Step> {
  for (const step of steps) yield await Promise.resolve(step)
}

function targetOn(connection: ScriptedRedshift, layout: Layout | null = null): RedshiftTarget {
  let ids = 0
  return new RedshiftTarget({
    name: 'warehouse',
    url: 'postgres://nobody@nowhere/none',
    lakeId: 'lake',
    consumer: 'shop/warehouse',
    schema: 'millrace',
    iamRole: 'arn:aws:iam::123456789012:role/copy',
    region: 'eu-west-1',
    unfit: 'error',
    layoutOf: () => layout,
    stage: {
      store: bucketOf(new MemoryStore()),
      prefix: '_millrace/stage/warehouse/lake-',
      newId: () => `id-${++ids}`,
    },
    connect: ({ at }) => Promise.resolve(new RedshiftSession(connection, at)),
  })
}

/** The statements of one piece of work. */
async function statementsOf(
  steps: readonly Step[],
  script: Script,
  layout: Layout | null = null,
): Promise<string[]> {
  const connection = new ScriptedRedshift(script)
  const done = await targetOn(connection, layout).commit({
    expect: { main: { n: 1, epoch: 1, v: 1 }, straggler: null },
    steps: each(steps),
    ledger: {
      main: { n: 2, epoch: 1, v: 1 },
      stragglers: new Map(),
      tables: new Map([[tableId(ORDERS.table), "s'2\\"]]),
    },
  })
  assert.equal(done, true)
  return connection.statements
}

async function golden(name: string, statements: readonly string[]): Promise<void> {
  const file = join(GOLDEN, `${name}.sql`)
  const found = `${statements.join(';\n')};\n`
  if (process.env['UPDATE_GOLDEN'] === '1') await writeFile(file, found)
  assert.equal(found, await readFile(file, 'utf8'))
}

/** Rows that each statement of the folds of `ROWS` changes. */
const COUNTS: Script['counts'] = [
  [/^INSERT INTO millrace_stage/, 1],
  [/^INSERT INTO "app"\."files"/, 1],
  [/^INSERT INTO "app"\."files__millrace_load"/, 1],
  [/^INSERT INTO "app"\."orders/, 2],
]

const LIVE_ORDERS = {
  id: 'bigint',
  note: 'character varying(65535)',
  amount: 'numeric(10,2)',
  doc: 'super',
  oid_: 'integer',
}

describe('what goes to Redshift', () => {
  test('makes its ledger', async () => {
    const connection = new ScriptedRedshift({})
    await targetOn(connection).open()
    await golden('open', connection.statements)
  })

  test('stages and applies the folds of a batch', async () => {
    const steps = [
      fold(ORDERS, ROWS),
      fold(FILES, [upsert(['a', String.raw`\x`]), remove(['a ', null])]),
    ]
    await golden('batch', await statementsOf(steps, { counts: COUNTS, copied: [3, 2] }))
  })

  test('spreads staged rows as those of their table', async () => {
    const layout = { distKey: 'Note' }
    const all = await statementsOf([fold(ORDERS, ROWS)], { counts: COUNTS, copied: [3] }, layout)
    const made = all.filter((sql) => sql.startsWith('CREATE TEMP TABLE'))
    assert.match(made.join(), /\) DISTSTYLE KEY DISTKEY \(v1\)$/)
  })

  test('makes, changes and drops tables', async () => {
    const wider = shape('app.orders', {
      id: type('int8'),
      Remark: type('text'),
      amount: type('numeric', ((12 << 16) | 2) + 4),
      doc: type('jsonb'),
      oid: type('int4'),
      tag: type('text'),
      list: { ...type('int4'), element: type('int4') },
      code: type('varchar', 24),
    })
    const numbered = (of: Shape): Shape => ({
      ...of,
      columns: of.columns.map((column, i) => ({ ...column, attnum: i + 1 })),
    })
    const steps: Step[] = [
      { type: 'create', table: live(FILES), shape: FILES },
      {
        type: 'alter',
        table: live(ORDERS),
        from: numbered(ORDERS),
        to: numbered(wider),
        defaults: { tag: String.raw`it's a \ `, list: '{1,2}', code: null },
      },
      { type: 'truncate', table: live(ORDERS) },
      { type: 'rename', from: ORDERS.table, to: { namespace: 'app', name: 'Sales' } },
      {
        type: 'rename',
        from: { namespace: 'app', name: 'Sales' },
        to: { namespace: 'old', name: 'sales' },
      },
      { type: 'drop', table: live(FILES) },
    ]
    const tables = { 'app.orders': LIVE_ORDERS, 'app.sales': LIVE_ORDERS }
    const layout = { distKey: 'path', sortKey: ['path'] }
    await golden('tables', await statementsOf(steps, { tables }, layout))
  })

  test('lets a text grow before the claim', async () => {
    const from = shape('app.codes', { id: type('int8'), code: type('varchar', 14) })
    const to = shape('app.codes', { id: type('int8'), code: type('varchar', 24) })
    const step: Step = { type: 'alter', table: live(from), from, to, defaults: {} }
    const tables = { 'app.codes': { id: 'bigint', code: 'character varying(40)' } }
    await golden('growth', await statementsOf([step], { tables }))
  })

  test('loads beside the live table and exchanges its rows', async () => {
    const part = loadPart([['1', 'a', '1.50', null, null]])
    const steps: Step[] = [
      { type: 'create', table: shadow(ORDERS), shape: ORDERS },
      { type: 'load', table: shadow(ORDERS), shape: ORDERS, part },
      { type: 'create', table: shadow(FILES), shape: FILES },
      { type: 'load', table: shadow(FILES), shape: FILES, part: loadPart([['a', String.raw`\x`]]) },
      { type: 'swap', name: ORDERS.table, shape: ORDERS },
      { type: 'swap', name: FILES.table, shape: FILES },
    ]
    const tables = { 'app.orders': LIVE_ORDERS, 'app.orders__millrace_load': LIVE_ORDERS }
    await golden('load', await statementsOf(steps, { counts: COUNTS, copied: [1, 1], tables }))
  })

  test('costs two commits a batch, and two and four statements a table, whatever it holds', async () => {
    const tables = [1, 2, 3].map((i) => ({
      ...ORDERS,
      table: { namespace: 'app', name: `orders_${i}` },
    }))
    const steps = (of: readonly Shape[]): Step[] =>
      of.flatMap((one) => [{ type: 'truncate', table: live(one) }, fold(one, ROWS)])
    const script = { counts: COUNTS, copied: [3, 3, 3] }
    const [one, three] = [
      await statementsOf(steps(tables.slice(0, 1)), script),
      await statementsOf(steps(tables), script),
    ]
    const cost = (all: readonly string[]): number =>
      // It reads no table, and no compute node hears of it.
      all.filter((sql) => !sql.includes('pg_last_copy_count')).length
    for (const all of [one, three]) {
      assert.equal(all.filter((sql) => sql === 'COMMIT').length, 2)
      assert.deepEqual(outside(all), [])
    }
    assert.equal((cost(three) - cost(one)) / 2, 2 + 4)
  })
})

/** Statements that write and commit by themselves. */
function outside(statements: readonly string[]): string[] {
  let isInside = false
  return statements.filter((sql) => {
    if (sql === 'BEGIN') isInside = true
    if (sql === 'COMMIT') isInside = false
    return !isInside && !/^(SELECT|COMMIT)/.test(sql)
  })
}

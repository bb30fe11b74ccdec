/** Other names in the target, through the whole apply loop. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { Applier } from '../../../src/apply/applier.ts'
import { treated, type TreatmentRules } from '../../../src/apply/treatment.ts'
import { UNCHANGED, type TestChange } from '../../support/tuples.ts'
import { CONSUMER, Desk, LARGE } from './desk.ts'
import {
  drop,
  id,
  insert,
  loadBegin,
  loadEnd,
  rename,
  reshape,
  ScriptedLog,
  update,
} from './scripted-log.ts'

/** An applier that gives the tables other names, on the place of a desk. */
function mapped(desk: Desk, rules: Partial<TreatmentRules>): Applier {
  return new Applier({
    consumer: CONSUMER,
    ...treated(desk.target, rules),
    log: desk.log,
    shapes: desk.log,
    requests: desk.log,
    clock: { now: () => 0, sleep: () => Promise.resolve() },
    pool: desk.pool,
    limits: LARGE,
    emit: () => {},
    intervalMs: 1000,
  })
}

/** A log in which each table was loaded with one row. */
function loaded(...names: readonly string[]): ScriptedLog {
  const log = new ScriptedLog().open()
  const entries = names.flatMap((name) => [
    loadBegin(name, `l${name}`, { lsn: 5, since: 1 }),
    log.part(name, `l${name}`, [[`k${name}`, 'v']]),
    loadEnd(name, `l${name}`),
  ])
  return log.changes({ to: [10, 0], confirm: 10, entries })
}

function then(
  log: ScriptedLog,
  name: string,
  changes: readonly TestChange[],
  shape?: string,
): void {
  const last = changes.at(-1)!
  log.changes({ to: [Number(last.lsn), last.ordinal], entries: [log.rows(name, changes, shape)] })
}

const rowsOf = (desk: Desk, namespace: string, name: string): string | null => {
  const table = desk.target.table({ namespace, name })
  if (table === null) return null
  const live = table.shape.columns.flatMap(({ wire }, i) => (wire === null ? [] : [i]))
  return [...table.rows.values()]
    .map((row) => live.map((i) => row[i]).join('='))
    .toSorted()
    .join(' ')
}

describe('a target with other names', () => {
  test('has schemas, tables and columns under them, and the ledger those of the source', async () => {
    const log = loaded('a')
    then(log, 'a', [insert([20, 2], 'x', 'y')])
    log.changes({
      to: [22, 2],
      entries: [reshape('a', [22, 2], { shape: 'a2', defaults: { w: 'old' } })],
    })
    then(log, 'a', [update([24, 2], 'x', 'z', 'new')], 'a2')
    const desk = new Desk(log)
    const rules = [
      { schema: 'app', to: 'analytics' },
      { table: 'app.*', to: 'raw_*' },
      { column: '*.*.w', to: 'weight' },
    ]
    await mapped(desk, { rename: rules }).drainOnce()
    assert.equal(rowsOf(desk, 'analytics', 'raw_a'), 'ka=v=old x=z=new')
    const { columns } = desk.target.table({ namespace: 'analytics', name: 'raw_a' })!.shape
    assert.deepEqual(columns.map(({ name }) => name), ['id', 'v', 'weight']) // prettier-ignore
    const { tables } = await desk.ledger()
    assert.deepEqual([...tables], [['app.a', 'as analytics.raw_a w>weight|a2']])
  })

  test('follows a table that the source renames', async () => {
    const log = loaded('a')
    const desk = new Desk(log)
    const applier = mapped(desk, { rename: [{ schema: 'app', to: 'far' }] })
    await applier.drainOnce()
    log.changes({ to: [20, 2], entries: [rename('a', [20, 2], 'b')] })
    then(log, 'b', [insert([30, 2], 'x', 'y')])
    await applier.drainOnce()
    assert.deepEqual([rowsOf(desk, 'far', 'a'), rowsOf(desk, 'far', 'b')], [null, 'ka=v x=y'])
  })

  test('gets no column that is left out', async () => {
    const log = loaded('a')
    then(log, 'a', [insert([20, 2], 'x', 'secret')])
    const desk = new Desk(log)
    await mapped(desk, { columns: [{ tables: 'app.a', exclude: ['v'] }] }).drainOnce()
    assert.equal(rowsOf(desk, 'app', 'a'), 'ka x')
  })

  test('refuses to be without a column of the key', async () => {
    const desk = new Desk(loaded('a', 'b'))
    await mapped(desk, { columns: [{ tables: 'app.a', exclude: ['id'] }] }).drainOnce()
    assert.deepEqual([await desk.stragglers(), desk.rows('b')], ['a:suspended', 'kb=v'])
  })

  test('suspends the second of two tables that would have one name, and the first goes on', async () => {
    const log = loaded('a', 'b')
    const desk = new Desk(log)
    const rules = { rename: [{ table: 'app.*', to: 'one' }] }
    await mapped(desk, rules).drainOnce()
    assert.equal(await desk.stragglers(), 'b:suspended')
    const { error } = [...(await desk.ledger()).stragglers.values()][0]!
    assert.equal(error?.code, 'NAME_TAKEN')
    then(log, 'a', [insert([20, 2], 'x', 'y')])
    const again = mapped(desk, rules)
    await again.drainOnce()
    assert.equal(rowsOf(desk, 'app', 'one'), 'ka=v x=y')
    assert.equal(await again.resume(id('b')), true)
    await again.drainOnce()
    assert.equal(await desk.stragglers(), 'b:suspended')
  })

  test('gives a name free when the table that had it is dropped', async () => {
    const log = loaded('a')
    const desk = new Desk(log)
    const applier = mapped(desk, { rename: [{ table: 'app.*', to: 'one' }] })
    await applier.drainOnce()
    log.changes({ to: [20, 2], entries: [drop('a', [20, 2])] })
    const at = log.manifests.length
    log.changes({ to: [30, 0], confirm: 30, entries: [loadBegin('b', 'lb', { lsn: 25, since: at }), log.part('b', 'lb', [['kb', 'v']]), loadEnd('b', 'lb')] }) // prettier-ignore
    await applier.drainOnce()
    assert.deepEqual([await desk.stragglers(), rowsOf(desk, 'app', 'one')], ['', 'kb=v'])
  })

  test('names tables of the source in what it says of failures', async () => {
    const log = loaded('a', 'b')
    then(log, 'a', [update([20, 2], 'nobody', UNCHANGED)])
    const desk = new Desk(log)
    await mapped(desk, { rename: [{ schema: 'app', to: 'far' }] }).drainOnce()
    const { stragglers } = await desk.ledger()
    const told = [...stragglers].map(([table, { state, error }]) => [table, state, error?.code])
    assert.deepEqual(told, [['app.a', 'suspended', 'FILL_MISSING']])
  })

  test('is filled under the new names when they change, and leaves the old tables', async () => {
    const desk = new Desk(loaded('a'))
    await desk.applier.drainOnce()
    await mapped(desk, { rename: [{ schema: 'app', to: 'far' }] }).drainOnce()
    assert.deepEqual([desk.rows('a'), rowsOf(desk, 'far', 'a')], ['ka=v', 'ka=v'])
  })
})

describe('a table that the source drops', () => {
  const dropped = (log: ScriptedLog): ScriptedLog =>
    log.changes({ to: [20, 2], entries: [drop('a', [20, 2])] })

  for (const [table, rows] of [
    ['keep', 'ka=v'],
    ['drop', null],
  ] as const) {
    test(`is ${rows === null ? 'dropped' : 'kept as it was'} where that is said`, async () => {
      const desk = new Desk(loaded('a', 'b'))
      const applier = mapped(desk, { onDrop: { table, column: 'keep' } })
      await applier.drainOnce()
      dropped(desk.log)
      await applier.drainOnce()
      assert.deepEqual([desk.rows('a'), desk.rows('b')], [rows, 'kb=v'])
      assert.deepEqual([...(await desk.ledger()).tables.keys()], [id('b')])
    })
  }

  test('and that cannot go stays, and the others go on', async () => {
    const desk = new Desk(loaded('a', 'b'))
    const applier = mapped(desk, { onDrop: { table: 'drop', column: 'keep' } })
    await applier.drainOnce()
    dropped(desk.log)
    then(desk.log, 'b', [insert([30, 2], 'x', 'y')])
    desk.target.refuse = (step) => step.type === 'drop'
    await applier.drainOnce()
    assert.deepEqual([desk.rows('a'), desk.rows('b'), await desk.stragglers()], ['ka=v', 'kb=v x=y', '']) // prettier-ignore
  })
})

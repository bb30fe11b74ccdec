import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import type { TableName } from '../../../src/core/table.ts'
import { MemoryPlace } from '../../support/memory-target.ts'
import { CONSUMER, Desk } from './desk.ts'
import {
  drop,
  id,
  insert,
  loadBegin,
  loadEnd,
  rename,
  reshape,
  ScriptedLog,
  truncate,
} from './scripted-log.ts'

/** Tables whose names begin with one of the letters. */
function only(letters: string): (table: TableName) => boolean {
  return ({ name }) => letters.includes(name[0]!)
}

/** Tables a and b, each with a row, under `cdc`. */
function twoTables(): ScriptedLog {
  const log = new ScriptedLog().open('cdc')
  const shape = (name: string, ordinal: number) =>
    reshape(name, [10, ordinal], { shape: `${name}1` })
  log.changes({ to: [10, 4], entries: [shape('a', 2), shape('b', 4)] })
  return log.changes({
    to: [20, 4],
    entries: [
      log.rows('a', [insert([20, 2], '1', 'of a')]),
      log.rows('b', [insert([20, 4], '1', 'of b')]),
    ],
  })
}

/** Loads of a and b, each of one row, in a log that is at manifest 3. */
function twoLoads(): ScriptedLog {
  const log = new ScriptedLog().open('full-load-and-cdc', { to: [40, 0], confirm: 40 })
  const begin = (name: string) => loadBegin(name, `L${name}`, { lsn: 50, since: 1 })
  const part = (name: string) => log.part(name, `L${name}`, [['1', 'loaded']])
  log.changes({ entries: [begin('a'), begin('b'), part('a'), part('b')] })
  log.changes({ entries: [loadEnd('a', 'La'), loadEnd('b', 'Lb')] })
  return log.heartbeat(60)
}

async function drained(desk: Desk): Promise<Desk> {
  await desk.applier.drainOnce()
  return desk
}

describe('a target that takes some of the tables', () => {
  test('has nothing of the others, whatever happens to them', async () => {
    const log = twoTables()
    const desk = await drained(new Desk(log, { isSelected: only('a') }))
    log.changes({ to: [30, 2], entries: [truncate('b', [30, 2])] })
    log.changes({ to: [40, 2], entries: [rename('b', [40, 2], 'bb')] })
    log.changes({ to: [50, 2], entries: [drop('bb', [50, 2])] })
    log.changes({ to: [60, 2], entries: [log.rows('a', [insert([60, 2], '2', 'x')])] })
    await drained(desk)
    assert.deepEqual([desk.rows('a'), desk.rows('b')], ['1=of a 2=x', null])
    const { n, tables } = await desk.ledger()
    assert.deepEqual([n, [...tables.keys()]], [7, [id('a')]])
  })

  test('loads no others', async () => {
    const desk = await drained(new Desk(twoLoads(), { isSelected: only('a') }))
    assert.deepEqual([desk.rows('a'), desk.rows('b')], ['1=loaded', null])
    assert.equal(await desk.stragglers(), '')
    assert.equal(desk.log.requests.size, 0)
  })

  test('keeps what it has of a table that takes a name which is left out', async () => {
    const log = twoTables()
    const desk = await drained(new Desk(log, { isSelected: only('a') }))
    log.changes({
      to: [30, 4],
      entries: [rename('a', [30, 2], 'x'), log.rows('x', [insert([30, 4], '2', 'gone')])],
    })
    await drained(desk)
    assert.deepEqual([desk.rows('a'), desk.rows('x')], ['1=of a', null])
    assert.equal((await desk.ledger()).tables.size, 0)
  })

  test('waits for a load of a table that takes a name which is meant', async () => {
    const log = twoLoads()
    const desk = await drained(new Desk(log, { isSelected: only('a') }))
    log.changes({ to: [70, 2], entries: [rename('b', [70, 2], 'ab')] })
    await desk.applier.takeBatch()
    assert.equal(await desk.stragglers(), 'ab:waiting')
  })
})

describe('a selection that is another one at the next start', () => {
  test('leaves a table that is out as it is, and loads one that is in', async () => {
    const log = twoLoads()
    const place = new MemoryPlace()
    await drained(new Desk(log, { place, isSelected: only('a') }))
    const desk = await drained(new Desk(log, { place, isSelected: only('b') }))
    assert.deepEqual([desk.rows('a'), desk.rows('b')], ['1=loaded', '1=loaded'])
    assert.deepEqual([...(await desk.ledger()).tables.keys()], [id('b')])
  })

  test('loads a table again that was out for a while', async () => {
    const log = twoLoads()
    const place = new MemoryPlace()
    await drained(new Desk(log, { place }))
    await drained(new Desk(log, { place, isSelected: only('b') }))
    log.changes({ to: [70, 2], entries: [log.rows('a', [insert([70, 2], '2', 'missed')])] })
    await drained(new Desk(log, { place, isSelected: only('b') }))
    const desk = await drained(new Desk(log, { place, isSelected: only('ab') }))
    assert.equal(desk.rows('a'), '1=loaded 2=missed')
    assert.equal(desk.log.requests.has(`${CONSUMER} ${id('a')}`), false)
  })

  test('drops the shadow of a load that is out', async () => {
    const log = twoLoads()
    const place = new MemoryPlace()
    const first = new Desk(log, { place })
    await first.applier.open()
    await first.applier.advanceStraggler(id('a'))
    const desk = new Desk(log, { place, isSelected: only('b') })
    await desk.applier.open()
    assert.deepEqual(desk.commits, [['drop']])
    assert.equal(desk.target.table({ namespace: 'app', name: 'a' }, true), null)
    assert.equal(await desk.stragglers(), 'b:ready')
  })

  test('changes nothing if it is the same', async () => {
    const log = twoLoads()
    const place = new MemoryPlace()
    await drained(new Desk(log, { place, isSelected: only('a') }))
    const desk = await drained(new Desk(log, { place, isSelected: only('a') }))
    assert.deepEqual(desk.commits, [])
  })
})

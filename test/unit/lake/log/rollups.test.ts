/** Roll-ups as files; how they are found and used is tested with the reader of the log. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { gunzipSync } from 'node:zlib'

import { lsn } from '../../../../src/core/lsn.ts'
import type { Entry } from '../../../../src/core/manifest.ts'
import { rollupKey } from '../../../../src/lake/layout.ts'
import { advance, initialState, type LogState } from '../../../../src/lake/log/log-state.ts'
import { Rollups } from '../../../../src/lake/log/rollups.ts'
import { Shapes } from '../../../../src/lake/shapes.ts'
import { MemoryStore } from '../../../../src/storage/memory-store.ts'
import { collect } from '../../../support/collect.ts'
import {
  changesManifest,
  loadBegin,
  openManifest,
  ORDERS,
  USERS,
} from '../../../support/manifests.ts'
import { shapeOf } from '../../../support/tuples.ts'

describe('a roll-up', () => {
  test('holds the state as compressed JSON, with the shape of each table', async () => {
    const { store, rollups, state } = await stateAtTwo()
    await rollups.writeIfDue(state)
    const json = gunzipSync((await store.get(rollupKey(2)))!).toString()
    const shape = [...state.tables.values()][0]!.shape
    assert.equal(
      json,
      '{"n":2,"generation":1,"epoch":1,"timeline":1,"to":{"lsn":"0/C8","ordinal":2,"end":true},' +
        '"confirm":"0/D0","clock":2000,"dt":"2026-11-23",' +
        '"run":{"systemId":"7290000000000000001","database":"shop","slot":"millrace_shop",' +
        '"publication":"millrace_shop","load":"full-load-and-cdc","options":{"tables":"app.*"}},' +
        `"tables":[{"table":"app.orders","shape":"${shape}",` +
        '"definition":{"table":{"namespace":"app","name":"orders"},"oid":16384,"number":1,' +
        '"columns":[{"name":"id","type":{"oid":25,"name":"text","modifier":-1},"wire":0}],"key":[0]},' +
        '"newestLoad":null,"openLoads":[' +
        `{"load":"l1","lsn":"0/32","epoch":1,"since":1,"shape":"${shape}","for":"all",` +
        '"beganAt":2,"endedAt":null,"rows":0,"parts":0}]}]}\n',
    )
    assert.deepEqual(await rollups.newest(), state)
  })

  test('is written at its numbers only', async () => {
    const { store, rollups, state } = await stateAtTwo()
    await rollups.writeIfDue(initialState)
    await rollups.writeIfDue(advance(state, changesManifest(3)))
    assert.deepEqual(await collect(store.list('_millrace/rollups/')), [])
  })

  test('stays as it was first written', async () => {
    const { store, rollups, state } = await stateAtTwo()
    await rollups.writeIfDue(state)
    const first = await store.get(rollupKey(2))
    await rollups.writeIfDue({ ...state, clock: 1 })
    assert.deepEqual(await store.get(rollupKey(2)), first)
  })

  test('is looked for up to a given manifest', async () => {
    const { rollups, state } = await stateAtTwo()
    const four = { ...state, n: 4 }
    for (const one of [state, four]) await rollups.writeIfDue(one)
    assert.equal(await rollups.newest(1), null)
    for (const n of [2, 3]) assert.deepEqual(await rollups.newest(n), state)
    for (const n of [4, 5]) assert.deepEqual(await rollups.newest(n), four)
  })

  test('with the content of another is damaged', async () => {
    const { store, rollups, state } = await stateAtTwo()
    await rollups.writeIfDue(state)
    await store.put(rollupKey(4), (await store.get(rollupKey(2)))!)
    await assert.rejects(rollups.newest(), { code: 'LAKE_DAMAGED' })
  })
})

test('a roll-up keeps what is known of some tables only', async () => {
  const { store, shapes, shape } = await lakeWithShape()
  const place = { table: ORDERS, position: { lsn: lsn(150n), ordinal: 2 }, order: 5 }
  const begin = loadBegin('l1', { shape, since: 1, partitions: ['7:70'] })
  const entries: Entry[][] = [
    [begin, { type: 'load-end', table: ORDERS, load: 'l1', rows: 3 }],
    [{ type: 'rename', ...place, to: USERS, shape }],
    [{ type: 'shape', ...place, shape, defaults: {} }],
    [{ type: 'shape', ...place, shape, defaults: {}, isAmbiguous: true }],
  ]
  let state: LogState = advance(initialState, openManifest(1))
  for (const [i, list] of entries.entries()) {
    state = advance(state, changesManifest(i + 2, { entries: list }))
  }
  assert.equal(state.tables.get(ORDERS)?.ambiguousAt, 5)
  assert.equal(state.tables.get(USERS)?.newestLoad?.under, ORDERS)
  assert.deepEqual(state.tables.get(USERS)?.partitions, ['7:70'])
  const rollups = new Rollups({ store, shapes, every: 5 })
  await rollups.writeIfDue(state)
  assert.deepEqual(await rollups.newest(), state)
})

async function lakeWithShape() {
  const store = new MemoryStore()
  const shapes = new Shapes(store)
  return { store, shapes, shape: await shapes.write(shapeOf(['id'])) }
}

async function stateAtTwo() {
  const store = new MemoryStore()
  const shapes = new Shapes(store)
  const shape = await shapes.write(shapeOf(['id']))
  let state: LogState = advance(initialState, openManifest(1))
  state = advance(state, changesManifest(2, { entries: [loadBegin('l1', { shape })] }))
  return { store, state, rollups: new Rollups({ store, shapes, every: 2 }) }
}

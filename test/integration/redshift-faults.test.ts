/** What goes wrong on a cluster, on a server in its shape that fails on order. */

import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'

import type { CodedError } from '../../src/core/errors.ts'
import { tableId, type Shape } from '../../src/core/table.ts'
import type { Step, Work } from '../../src/core/target.ts'
import type { RedshiftTarget } from '../../src/targets/redshift/target.ts'
import { foldedRows, remove, upsert, type TestRow } from '../support/folded-rows.ts'
import { loadPart } from '../support/load-part.ts'
import { RedshiftPlace } from '../support/redshift-place.ts'
import type { Fault } from '../support/redshift/faults.ts'
import { shapeOf, UNCHANGED } from '../support/tuples.ts'

const SHAPE = shapeOf(['id', 'note'])
const LIVE = { name: SHAPE.table, isShadow: false }
const SHADOW = { name: SHAPE.table, isShadow: true }
const BYTEA = { oid: 17, name: 'bytea', modifier: -1 }

function fold(rows: readonly TestRow[], shape = SHAPE, table = LIVE): Step {
  return { type: 'fold', table, shape, rows: foldedRows(rows) }
}

function create(shape: Shape = SHAPE, table = LIVE): Step {
  return { type: 'create', table, shape }
}

function workOf(from: number, steps: readonly Step[]): Work {
  const main = (n: number): { n: number; epoch: number; v: number } =>
    n < 0 ? { n, epoch: -1, v: -1 } : { n, epoch: 1, v: 1 }
  return {
    expect: { main: main(from), straggler: null },
    steps: (async function* () {
      for (const step of steps) yield await Promise.resolve(step)
    })(),
    ledger: { main: main(from < 0 ? 1 : from + 1), stragglers: new Map(), tables: new Map() },
  }
}

for (const isolation of ['snapshot', 'serializable'] as const) {
  describe(`a Redshift target under ${isolation}`, () => {
    let place: RedshiftPlace
    let target: RedshiftTarget

    before(async () => {
      place = await RedshiftPlace.make({ isolation })
    })
    after(() => place[Symbol.asyncDispose]())

    beforeEach(async () => {
      await place.empty()
      target = await place.open()
      await target.open()
      await target.commit(workOf(-1, [create(), fold([upsert(['1', 'a'])])]))
    })

    const rows = () => place.rows(target, SHAPE.table)
    const next = () => workOf(1, [fold([upsert(['2', 'b'])])])

    const retried: readonly (readonly [string, Fault])[] = [
      ['a conflict with another transaction', { point: 'before update', action: 'conflict' }],
      [
        'a conflict that shows at the commit',
        { point: 'before commit', action: 'conflict', skip: 1 },
      ],
      ['a deadlock', { point: 'before delete', action: 'deadlock' }],
      ['a query that a queue has cancelled', { point: 'before copy', action: 'cancelled' }],
    ]
    for (const [what, fault] of retried) {
      test(`is busy, and loses nothing, after ${what}`, async () => {
        place.server.faults.add(fault)
        await assert.rejects(target.commit(next()), { code: 'TARGET_BUSY' })
        assert.deepEqual(await rows(), [['1', 'a']])
        assert.equal(await target.commit(next()), true)
        assert.deepEqual(await rows(), [['1', 'a'], ['2', 'b']]) // prettier-ignore
      })
    }

    test('tries once more by itself if its snapshot was older than a table', async () => {
      const fault: Fault = { point: 'before delete', action: 'missing relation' }
      place.server.faults.add(fault)
      assert.equal(await target.commit(next()), true)
      assert.equal((await rows())?.length, 2)
      place.server.faults.add(fault)
      place.server.faults.add({ ...fault })
      const again = workOf(2, [fold([upsert(['3', 'c'])])])
      await assert.rejects(target.commit(again), { code: 'TARGET_FAILED' })
    })

    test('finds out whether a commit took effect that was not answered', async () => {
      place.server.faults.add({ point: 'after commit', action: 'disconnect', skip: 1 })
      assert.equal(await target.commit(next()), true)
      assert.equal((await rows())?.length, 2)
      place.server.faults.add({ point: 'before commit', action: 'disconnect', skip: 1 })
      const again = workOf(2, [fold([upsert(['3', 'c'])])])
      await assert.rejects(target.commit(again), { code: 'CONNECTION_LOST' })
      assert.equal((await rows())?.length, 2)
    })

    test('leaves nothing in the bucket, and sweeps what others have left', async () => {
      await place.store.put('_millrace/stage/warehouse/lake-old.manifest', Buffer.from('x'))
      await place.store.put('_millrace/stage/warehouse/other-lake.manifest', Buffer.from('x'))
      place.server.faults.add({ point: 'before copy', action: 'disconnect' })
      await assert.rejects(target.commit(next()), { code: 'CONNECTION_LOST' })
      const another = await place.open()
      await another.open()
      const left: string[] = []
      for await (const key of place.store.list('')) left.push(key)
      assert.deepEqual(left, ['_millrace/stage/warehouse/other-lake.manifest'])
    })

    test('keeps views and grants through a load, and an empty bytea apart from NULL', async () => {
      const shape: Shape = {
        ...SHAPE,
        columns: [SHAPE.columns[0]!, { name: 'bin', type: BYTEA, wire: 1 }],
      }
      const rowsOf = [['1', String.raw`\x`], ['2', null], ['3', String.raw`\x00ff`]] // prettier-ignore
      await target.commit(workOf(1, [{ type: 'drop', table: LIVE }, create(shape)]))
      await target.query('CREATE VIEW app.seen AS SELECT id, bin FROM app.orders')
      const steps: Step[] = [
        create(shape, SHADOW),
        { type: 'load', table: SHADOW, shape, part: loadPart(rowsOf) },
        fold([upsert(['2', UNCHANGED], ['1', null]), remove(['9', null])], shape, SHADOW),
        { type: 'swap', name: SHAPE.table, shape },
      ]
      assert.equal(await target.commit(workOf(2, steps)), true)
      const seen = await target.query('SELECT id, bin FROM app.seen ORDER BY id')
      const expected = [{ id: '1', bin: '' }, { id: '2', bin: '' }, { id: '3', bin: '00ff' }] // prettier-ignore
      assert.deepEqual(seen, expected)
    })

    test('does not take keys for the same that differ in blanks at their end', async () => {
      await target.commit(workOf(1, [fold([upsert(['k', 'a']), upsert(['k ', 'b'])])]))
      await target.commit(workOf(2, [fold([upsert(['k', UNCHANGED], ['k ', null])])]))
      await target.commit(workOf(3, [fold([remove(['1', null])])]))
      const found = (await rows())!.map((row) => row.join('='))
      assert.deepEqual(found.toSorted(), ['k =b', 'k=b'])
    })

    test('has one ledger, however many workers are the first', async () => {
      await place.empty()
      const workers = await Promise.all([1, 2, 3].map(() => place.open()))
      assert.deepEqual(await Promise.all(workers.map((worker) => worker.open())), [
        null,
        null,
        null,
      ])
      const [first, ...others] = workers
      assert.equal(await first!.commit(workOf(-1, [create()])), true)
      for (const worker of others) {
        assert.equal(await worker.commit(workOf(-1, [create()])), false)
        assert.equal((await worker.open())?.n, 1)
      }
    })

    test('lets four workers race, be killed, and apply every batch once', async () => {
      const workers = await Promise.all([1, 2, 3, 4].map(() => place.open()))
      for (let n = 1; n <= 12; n++) {
        if (n % 3 === 0) place.server.faults.add({ point: 'after insert', action: 'disconnect' })
        if (n % 4 === 0)
          place.server.faults.add({ point: 'after commit', action: 'disconnect', skip: 2 })
        const results = await Promise.all(
          workers.map((worker, i) =>
            worker
              .commit(workOf(n, [fold([upsert([`${n + 1}`, `by ${i}`])])]))
              .catch((error: CodedError) => {
                assert.equal(error.recovery, 'retry', error.stack)
                return false
              }),
          ),
        )
        if (!results.includes(true)) {
          const isDone = (await target.ledger()).n === n + 1
          if (!isDone) n--
        }
        assert.ok(results.filter(Boolean).length <= 1)
      }
      assert.equal((await rows())?.length, 13)
    })

    test('refuses tables and columns whose names Redshift cannot tell apart', async () => {
      const twice = shapeOf(['id', 'Note', 'note'])
      const failing = workOf(1, [{ type: 'create', table: { ...LIVE }, shape: twice }])
      await assert.rejects(target.commit(failing), { code: 'NAME_TAKEN' })
      const other = { namespace: 'app', name: 'Orders' }
      const work = workOf(1, [create(SHAPE, { name: other, isShadow: false })])
      const both = {
        ...work,
        ledger: { ...work.ledger, tables: new Map([[tableId(SHAPE.table), 's1']]) },
      }
      await assert.rejects(target.commit(both), { code: 'NAME_TAKEN' })
    })
  })
}

/**
 * Values of every type from a source into Redshift, by way of a server in its shape. What stays text is
 * compared byte for byte; of all other types, that there is a value where there was one.
 */

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'

import { MemoryStore } from '../../src/storage/memory-store.ts'
import { testDatabase, type TestDatabase } from '../support/postgres.ts'
import { RedshiftPlace } from '../support/redshift-place.ts'
import { CaptureRun } from './support/capture-run.ts'
import { disposeOf } from './support/dispose.ts'
import { drainLake } from './support/drain-lake.ts'
import { sourceOf } from './support/source.ts'
import { FAMILIES, outputOf } from './support/type-samples.ts'
import { STREAMED, TypedTables } from './support/typed-tables.ts'

const LONGEST = 65_535

describe('values of every type in Redshift', () => {
  let source: TestDatabase
  let run: CaptureRun
  let typed: TypedTables
  let place: RedshiftPlace
  const store = new MemoryStore()

  before(async () => {
    source = await testDatabase()
    typed = await TypedTables.setUp(source)
    for (const i of FAMILIES.keys()) {
      await typed.create(i)
      await typed.fill(i, 0)
    }
    run = await CaptureRun.start(source, sourceOf(source), { store })
    await run.loaded()
    for (const i of FAMILIES.keys()) await typed.fill(i, STREAMED)
    await run.caughtUp()
    place = await RedshiftPlace.make()
  })

  after(() => disposeOf(run, source, place))

  test('arrive as texts that are the same, or as values that are there', async () => {
    const target = await place.open({ consumer: 'test/copy', unfit: 'clamp' })
    await drainLake(store, target)
    assert.deepEqual([...(await target.ledger()).stragglers], [])
    for (const [i, { types }] of FAMILIES.entries()) {
      const kinds = await target.query(
        `SELECT column_name AS name, data_type AS type FROM svv_redshift_columns
         WHERE schema_name = 'app' AND table_name = 'f${i}'`,
      )
      const isText = new Map(kinds.map(({ name, type }) => [name, String(type).startsWith('char')]))
      const rows = await target.query(`SELECT * FROM app.f${i}`)
      const byId = new Map(rows.map((row) => [Number(row['id']), row]))
      for (const [c, one] of types.entries()) {
        if (!typed.knows(one)) continue
        for (const [row, sample] of one.samples.entries()) {
          for (const first of [0, STREAMED]) {
            const expected = outputOf(sample)
            const found = byId.get(first + row)![`c${c}`]
            const label = `${one.type} ${expected.slice(0, 100)}`
            if (isText.get(`c${c}`) !== true) assert.notEqual(found, undefined, label)
            else if (Buffer.byteLength(expected) <= LONGEST) assert.equal(found, expected, label)
            else assert.ok(expected.startsWith(String(found)), label)
          }
        }
      }
    }
  })

  test('suspend their table and name the column, if they do not fit', async () => {
    await place.empty()
    const target = await place.open({ consumer: 'test/copy' })
    await drainLake(store, target)
    const { stragglers } = await target.ledger()
    assert.ok(stragglers.size > 0)
    for (const { state, error } of stragglers.values()) {
      assert.equal(state, 'suspended')
      assert.match(error!.message, /^app\.f\d+: column c\d+ has a value that .* cannot hold$/)
    }
  })
})

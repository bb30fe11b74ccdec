/**
 * Values of every type from a source into Redshift, by way of a server in its shape. What stays text is
 * compared byte for byte; of all other types, that there is a value where there was one.
 */

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'

import { Applier } from '../../src/apply/applier.ts'
import { BlockPool } from '../../src/core/change-log.ts'
import { LogReader } from '../../src/lake/log/log-reader.ts'
import { Shapes } from '../../src/lake/shapes.ts'
import { MemoryStore } from '../../src/storage/memory-store.ts'
import { systemClock } from '../../src/system-clock.ts'
import type { RedshiftTarget } from '../../src/targets/redshift/target.ts'
import { testDatabase, type TestDatabase } from '../support/postgres.ts'
import { RedshiftPlace } from '../support/redshift-place.ts'
import { CaptureRun } from './support/capture-run.ts'
import { disposeOf } from './support/dispose.ts'
import { serverVersion } from './support/hostile-role.ts'
import { sourceOf } from './support/source.ts'
import { FAMILIES, inputOf, outputOf, SETUP, type TypeSamples } from './support/type-samples.ts'

/** Added to the key of a row that was inserted while the stream ran. */
const STREAMED = 100_000
const LONGEST = 65_535

describe('values of every type in Redshift', () => {
  let source: TestDatabase
  let run: CaptureRun
  let version: number
  let place: RedshiftPlace
  const store = new MemoryStore()
  const known = ({ since = 0 }: TypeSamples): boolean => version >= since

  before(async () => {
    source = await testDatabase()
    await source.query(SETUP)
    version = await serverVersion(source)
    for (const [i, { types }] of FAMILIES.entries()) {
      const columns = types.map((one, c) => `c${c} ${known(one) ? one.type : 'text'}`)
      await source.query(`create table app.f${i} (id int primary key, ${columns.join(', ')})`)
      await fill(i, 0)
    }
    run = await CaptureRun.start(source, sourceOf(source), { store })
    await run.loaded()
    for (const i of FAMILIES.keys()) await fill(i, STREAMED)
    await run.caughtUp()
    place = await RedshiftPlace.make()
  })

  after(() => disposeOf(run, source, place))

  async function fill(family: number, firstId: number): Promise<void> {
    const { types } = FAMILIES[family]!
    const count = Math.max(...types.map(({ samples }) => samples.length))
    for (let row = 0; row < count; row++) {
      const values = types.map((one) => {
        const sample = known(one) ? one.samples[row] : undefined
        return sample === undefined ? null : inputOf(sample)
      })
      const places = values.map((_, i) => `$${i + 2}`).join(', ')
      const all = [firstId + row, ...values]
      await source.query(`insert into app.f${family} values ($1, ${places})`, all)
    }
  }

  async function drain(target: RedshiftTarget): Promise<void> {
    const shapes = new Shapes(store)
    const applier = new Applier({
      consumer: 'test/copy',
      target,
      log: new LogReader({ store, shapes, rollupEvery: 1000 }),
      shapes,
      requests: {
        read: () => Promise.resolve(null),
        write: () => Promise.resolve(),
        remove: () => Promise.resolve(),
      },
      clock: systemClock,
      pool: new BlockPool(),
      limits: { rows: 100, bytes: 1 << 22, manifests: 10 },
      emit: () => {},
      intervalMs: 1000,
    })
    await applier.drainOnce()
  }

  test('arrive as texts that are the same, or as values that are there', async () => {
    const target = await place.open({ consumer: 'test/copy', unfit: 'clamp' })
    await drain(target)
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
        if (!known(one)) continue
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
    await drain(target)
    const { stragglers } = await target.ledger()
    assert.ok(stragglers.size > 0)
    for (const { state, error } of stragglers.values()) {
      assert.equal(state, 'suspended')
      assert.match(error!.message, /^app\.f\d+: column c\d+ has a value that .* cannot hold$/)
    }
  })
})

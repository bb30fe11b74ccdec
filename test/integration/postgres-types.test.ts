/**
 * Values of every type from a source into PostgreSQL as a target, byte for byte: where the target has
 * the types of the source, and where it has only those of the system.
 */

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'

import type { Client } from 'pg'

import { Applier } from '../../src/apply/applier.ts'
import { BlockPool } from '../../src/core/change-log.ts'
import { LogReader } from '../../src/lake/log/log-reader.ts'
import { Shapes } from '../../src/lake/shapes.ts'
import { connect } from '../../src/postgres/connect.ts'
import { MemoryStore } from '../../src/storage/memory-store.ts'
import { systemClock } from '../../src/system-clock.ts'
import { PostgresTarget } from '../../src/targets/postgres/target.ts'
import { testDatabase, type TestDatabase } from '../support/postgres.ts'
import { CaptureRun } from './support/capture-run.ts'
import { disposeOf } from './support/dispose.ts'
import { serverVersion } from './support/hostile-role.ts'
import { sourceOf } from './support/source.ts'
import { FAMILIES, inputOf, outputOf, SETUP, type TypeSamples } from './support/type-samples.ts'

/** Added to the key of a row that was inserted while the stream ran. */
const STREAMED = 100_000

describe('values of every type', () => {
  let source: TestDatabase
  let run: CaptureRun
  let version: number
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
  })

  after(() => disposeOf(run, source))

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

  async function drain(to: TestDatabase): Promise<void> {
    const shapes = new Shapes(store)
    const target = new PostgresTarget({
      name: 'copy',
      url: to.url,
      lakeId: 'lake',
      consumer: 'test/copy',
    })
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
    try {
      await applier.drainOnce()
      assert.deepEqual([...(await target.ledger()).stragglers.values()], [])
    } finally {
      await target.close()
    }
  }

  /** Under our settings, and without the cast that takes blanks off a char(n). */
  async function textsOf(client: Client, table: string, columns: number): Promise<unknown[][]> {
    const texts = Array.from({ length: columns }, (_, i) => `c${i}`).map(
      (name) => `case when num_nonnulls(${name}) = 1 then concat(${name}) end`,
    )
    const text = `select id, ${texts.join(', ')} from app.${table} order by id`
    return (await client.query<unknown[]>({ text, rowMode: 'array' })).rows
  }

  for (const [what, setup] of [
    ['the types of the source', SETUP],
    ['only the types of the system', ''],
  ] as const) {
    test(`arrive as they are where the target has ${what}`, async () => {
      await using to = await testDatabase()
      if (setup !== '') await to.query(setup)
      await drain(to)
      const client = await connect({ url: to.url, applicationName: 'test' })
      try {
        for (const [i, { types }] of FAMILIES.entries()) {
          const rows = await textsOf(client, `f${i}`, types.length)
          const byId = new Map(rows.map(([id, ...values]) => [Number(id), values]))
          for (const [c, one] of types.filter(known).entries()) {
            const column = types.indexOf(one)
            for (const [row, sample] of one.samples.entries()) {
              for (const first of [0, STREAMED]) {
                const expected = outputOf(sample)
                const label = `${one.type} ${expected.slice(0, 100)} (${c})`
                assert.equal(byId.get(first + row)![column], expected, label)
              }
            }
          }
        }
      } finally {
        await client.end()
      }
    })
  }

  test('have the types of the source where the target has them', async () => {
    await using to = await testDatabase()
    await to.query(SETUP)
    await drain(to)
    const sql = `select a.atttypid::regtype::text as type from pg_attribute a
      where a.attrelid = to_regclass($1) and a.attnum > 1 and not a.attisdropped order by a.attnum`
    const asText: string[] = []
    for (const [i, { types }] of FAMILIES.entries()) {
      const target = await to.query(sql, [`app.f${i}`])
      for (const [c, one] of types.entries()) {
        if (known(one) && target[c]!['type'] === 'text') asText.push(one.type)
      }
    }
    // Names of objects and roles, and arrays that a domain hides in arrays.
    const isText = /^(text|aclitem|reg[a-z]+(\[\])?|app\.ints\[\])$/
    assert.deepEqual(
      asText.filter((type) => !isText.test(type)),
      [],
    )
  })
})

/**
 * Values of every type from a source into PostgreSQL as a target, byte for byte: where the target has
 * the types of the source, and where it has only those of the system.
 */

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'

import type { Client } from 'pg'

import { connect } from '../../src/postgres/connect.ts'
import { MemoryStore } from '../../src/storage/memory-store.ts'
import { PostgresTarget } from '../../src/targets/postgres/target.ts'
import { testDatabase, type TestDatabase } from '../support/postgres.ts'
import { CaptureRun } from './support/capture-run.ts'
import { disposeOf } from './support/dispose.ts'
import { drainLake } from './support/drain-lake.ts'
import { sourceOf } from './support/source.ts'
import { FAMILIES, outputOf, SETUP } from './support/type-samples.ts'
import { STREAMED, TypedTables } from './support/typed-tables.ts'

describe('values of every type', () => {
  let source: TestDatabase
  let run: CaptureRun
  let typed: TypedTables
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
  })

  after(() => disposeOf(run, source))

  async function drain(to: TestDatabase): Promise<void> {
    const target = new PostgresTarget({
      name: 'copy',
      url: to.url,
      lakeId: 'lake',
      consumer: 'test/copy',
    })
    try {
      await drainLake(store, target)
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
          for (const [c, one] of types.filter(typed.knows).entries()) {
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
        if (typed.knows(one) && target[c]!['type'] === 'text') asText.push(one.type)
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

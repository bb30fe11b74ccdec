import assert from 'node:assert/strict'
import { test } from 'node:test'

import { TypeCatalog } from '../../src/postgres/types.ts'
import { testDatabase } from '../support/postgres.ts'

test('the types of a database are those that columns have, without the row types of its tables', async () => {
  // With 5,000 tables the row types and their arrays were 10,000 of 10,600 types, kept for nothing.
  await using db = await testDatabase()
  await db.query(`
    create table part (n int);
    create table unused (n int);
    create table arrays_only (n int);
    create type pair as (a int, b int);
    create domain parts as part;
    create table whole (one part, many arrays_only[], two pair, made parts, list pair[])`)
  const types = new TypeCatalog()
  await types.load(await db.client())
  const rows = await db.query(
    `select attname as name, atttypid::int as oid from pg_attribute where attrelid = 'whole'::regclass and attnum > 0`,
  )
  const resolved = rows.map(({ name, oid }) => {
    const { name: type, element } = types.resolve(Number(oid), -1)
    return [name, type, element?.name]
  })
  assert.deepEqual(resolved, [
    ['one', 'part', undefined],
    ['many', '_arrays_only', 'arrays_only'],
    ['two', 'pair', undefined],
    ['made', 'part', undefined],
    ['list', '_pair', 'pair'],
  ])
  const [unused] = await db.query(`select 'unused'::regtype::oid::int as oid`)
  assert.equal(types.has(Number(unused!['oid'])), false)
})

/** What is remembered of the catalogs, against a real server that changes them. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { listTables } from '../../src/postgres/catalog.ts'
import { RowMemory } from '../../src/postgres/row-memory.ts'
import { testDatabase } from '../support/postgres.ts'

const CHANGES: readonly { readonly what: string; readonly sql: string }[] = [
  { what: 'a new table', sql: 'create table a (id int primary key)' },
  { what: 'a second one', sql: 'create table b (id int primary key)' },
  { what: 'a new column', sql: 'alter table b add column note text' },
  { what: 'another type', sql: 'alter table b alter column note type varchar(7)' },
  { what: 'another identity', sql: 'alter table b replica identity full' },
  { what: 'a lost key', sql: 'alter table b drop constraint b_pkey' },
  { what: 'another name', sql: 'alter table b rename to "B"' },
  { what: 'a dropped table', sql: 'drop table "B"' },
  { what: 'nothing left', sql: 'drop table a' },
]

test('what has changed is read again, what has not is the very same object', async () => {
  await using db = await testDatabase()
  const client = await db.client()
  const memory = new RowMemory()
  let last = await listTables(client, memory)
  for (const { what, sql } of CHANGES) {
    await client.query(sql)
    const now = await listTables(client, memory)
    assert.notEqual(now, last, what)
    assert.deepEqual(now, await listTables(client, new RowMemory()), what)
    assert.equal(await listTables(client, memory), now, `${what}, looked at again`)
    last = now
  }
  assert.deepEqual(last, [])
})

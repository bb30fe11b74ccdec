/** A task whose lake is Parquet, from the source to the warehouse. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { testDatabase } from '../support/postgres.ts'
import { runCli } from './support/cli.ts'
import { auditLake } from './support/lake-audit.ts'
import { taskFolder } from './support/task-folder.ts'
import { compareAll, differencesIn } from './support/warehouse.ts'

const TABLE = `
  create schema app;
  create table app.bookings (
    id int8 primary key, guest uuid, price numeric(12,2), tags text[], seats int[], details jsonb,
    valid date, at time, made timestamptz default '2026-11-23 10:11:12.345', note text);
  insert into app.bookings (id, guest, price, tags, seats, details, valid, at, note)
    select g, md5(g::text)::uuid, g / 7.0, array['a', 'b "c"', null], array[g, 1, null],
      jsonb_build_object('n', g), date '2026-01-01' + g, time '10:00' + g * interval '1 second',
      repeat(md5(g::text), 100)
    from generate_series(1, 2000) g;`

const UNFIT = `insert into app.bookings (id, valid, price) values (9001, 'infinity', 'NaN')`

test('a lake of Parquet fills the warehouse with what the source has', async () => {
  await using source = await testDatabase()
  await source.query(TABLE)
  const lake = { format: 'parquet', parquet: { unfit: 'null' } }
  await using folder = await taskFolder(source.url, { lake })
  await catchUp(folder.config)
  await source.query(`update app.bookings set price = price + 1 where id % 3 = 0`)
  await source.query(`delete from app.bookings where id % 5 = 0`)
  await source.query(`update app.bookings set id = id + 10000 where id < 10`)
  await catchUp(folder.config)
  assert.deepEqual(differencesIn(await compareAll(source, folder.warehouse)), [])
  const { loaded, changes } = await auditLake(folder.lake)
  assert.deepEqual([loaded, changes], [2000, 666 + 400 + 2 * 8])
  const cat = await runCli(['lake', 'cat', 'app.bookings', '--config', folder.config])
  assert.equal(cat.code, 0, cat.stderr)
  assert.match(cat.stdout, /00:10:07|10:00:07/)
})

test('a value that Parquet has no place for stops the task with the way out, and text is one', async () => {
  await using source = await testDatabase()
  await source.query(TABLE)
  await using folder = await taskFolder(source.url, { lake: { format: 'parquet' } })
  await catchUp(folder.config)
  await source.query(UNFIT)
  const { code, stdout, stderr } = await runCli(['run', '--config', folder.config, '--until-caught-up']) // prettier-ignore
  assert.equal(code, 1)
  assert.match(stdout + stderr, /VALUE_UNFIT/)
  assert.match(stdout + stderr, /lake\.parquet\.unfit/)
  await folder.configure({ lake: { format: 'parquet', parquet: { unfit: 'text' } } })
  await source.query(`delete from app.bookings where id = 9001`)
  await source.query(`insert into app.bookings (id, valid) values (9002, 'infinity')`)
  const told = await catchUp(folder.config)
  assert.match(told, /values did not fit into a data file/)
  assert.deepEqual(differencesIn(await compareAll(source, folder.warehouse)), [])
})

async function catchUp(config: string): Promise<string> {
  const { code, stdout, stderr } = await runCli(['run', '--config', config, '--until-caught-up'])
  assert.equal(code, 0, stderr + stdout)
  return stdout + stderr
}

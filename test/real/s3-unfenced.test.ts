/** A server that has no conditional writes: refused at the start, unless the operator insists. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { runCli } from '../e2e/support/cli.ts'
import { taskFolder } from '../e2e/support/task-folder.ts'
import { compareAll, differencesIn } from '../e2e/support/warehouse.ts'
import { carelessS3 } from '../support/careless-s3.ts'
import { testDatabase } from '../support/postgres.ts'

const env = { AWS_ACCESS_KEY_ID: 'any', AWS_SECRET_ACCESS_KEY: 'secret' }

test('a server without conditional writes is refused, unless lake.unfenced says otherwise', async () => {
  await using server = await carelessS3()
  await using source = await testDatabase()
  await source.query('create schema app; create table app.t (id int primary key, name text)')
  await source.query(`insert into app.t select g, 'name ' || g from generate_series(1, 1000) g`)
  const lake = { url: 's3://bucket/lake', s3: { endpoint: server.endpoint } }
  await using folder = await taskFolder(source.url, { lake })
  const words = ['run', '--config', folder.config, '--until-caught-up']

  const refused = await runCli(words, { env })
  assert.equal(refused.code, 1)
  assert.match(refused.stderr + refused.stdout, /LAKE_UNFENCED[^]*lake\.unfenced: true/)
  assert.deepEqual([...server.objects.keys()], [], 'nothing is left of a start that was refused')

  await folder.configure({ lake: { ...lake, unfenced: true } })
  const taken = await runCli(words, { env })
  assert.equal(taken.code, 0, taken.stderr + taken.stdout)
  assert.deepEqual(differencesIn(await compareAll(source, folder.warehouse)), [])
})

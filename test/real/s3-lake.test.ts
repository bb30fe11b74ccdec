/**
 * The program with its lake in a bucket of a real server: killed, and its server killed under it, it
 * ends with a warehouse that is equal to the source.
 *
 * versitygw keeps an object as a file, so the lake can be audited as if it were a folder.
 */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { runCli, startCli } from '../e2e/support/cli.ts'
import { auditLake } from '../e2e/support/lake-audit.ts'
import { createMillTables } from '../e2e/support/mill-tables.ts'
import { startRandomLoad } from '../e2e/support/random-load.ts'
import { taskFolder } from '../e2e/support/task-folder.ts'
import { compareAll, differencesIn } from '../e2e/support/warehouse.ts'
import { testDatabase } from '../support/postgres.ts'
import { startS3Server, type S3Server } from '../support/s3-server.ts'
import { findVersitygw } from '../support/versitygw.ts'

const SEED = Number(process.env['CRASH_SEED'] ?? Math.trunc(Math.random() * 1e6))

const found = await findVersitygw()
if ('missing' in found) test('a lake on a real S3 server', { skip: found.missing }, () => {})
else {
  const { program } = found

  test('nothing is lost and nothing is there twice with a lake in a bucket, whoever is killed', async (t) => {
    t.diagnostic(`CRASH_SEED=${SEED}`)
    await using server = await startS3Server(program)
    const bucket = await server.bucket()
    await using source = await testDatabase()
    await createMillTables(source)
    await using folder = await taskFolder(source.url, {
      lake: lakeIn(server, bucket),
      fullLoad: { parallel: 2 },
    })
    const run = ['run', '--config', folder.config]

    const load = startRandomLoad(source.url, SEED)
    {
      await using child = startCli(run, { env: server.env })
      await child.line('load began')
      await sleep(200)
      await child.end('SIGKILL')
    }
    {
      await using child = startCli(run, { env: server.env })
      await child.line('capture began to stream')
      await sleep(500)
      await server.kill()
      await sleep(200)
      await server.start()
      await sleep(700)
      await child.end('SIGKILL')
    }
    await load.stop()
    const last = await runCli([...run, '--until-caught-up'], { env: server.env })
    assert.equal(last.code, 0, last.stderr + last.stdout)

    assert.deepEqual(differencesIn(await compareAll(source, folder.warehouse)), [])
    const facts = await auditLake(join(server.folder, bucket, 'some/lake'))
    t.diagnostic(`${load.commits} commits, ${facts.changes} changes, ${facts.loaded} rows loaded`)
    assert.ok(facts.generations >= 3)
    assert.ok(facts.changes > 100)
  })

  test('a bucket that is not there, and one that denies, are one message at the start', async () => {
    await using server = await startS3Server(program)
    await using source = await testDatabase()
    await source.query('create schema app; create table app.t (id int primary key)')
    await using folder = await taskFolder(source.url, { lake: lakeIn(server, 'no-bucket') })
    const run = ['run', '--config', folder.config]
    const missing = await runCli(run, { env: server.env })
    assert.equal(missing.code, 1)
    assert.match(missing.stderr + missing.stdout, /BUCKET_MISSING/)
    await folder.configure({ lake: lakeIn(server, await server.bucket()) })
    const refused = await runCli(run, { env: { ...server.env, AWS_SECRET_ACCESS_KEY: 'wrong' } })
    assert.equal(refused.code, 1)
    assert.match(refused.stderr + refused.stdout, /CREDENTIALS_REFUSED/)
  })
}

function lakeIn(server: S3Server, bucket: string): Record<string, unknown> {
  return {
    url: `s3://${bucket}/some/lake`,
    s3: { endpoint: server.endpoint },
    flush: { every: '100ms', rows: 500 },
  }
}

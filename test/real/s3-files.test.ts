/**
 * Files as DMS writes them in a bucket of a real server: the program is killed, its server is killed
 * under it, and in the end every line is there once.
 *
 * versitygw keeps an object as a file, so the bucket can be read as if it were a folder.
 */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { LedgerChain } from '../../src/apply/ordered/ledger-chain.ts'
import { seededRandom } from '../../src/demo/random.ts'
import { runCli, startCli } from '../e2e/support/cli.ts'
import { filesUnder, OneWriter } from '../e2e/support/dms-lines.ts'
import { taskFolder } from '../e2e/support/task-folder.ts'
import { testDatabase } from '../support/postgres.ts'
import { startS3Server } from '../support/s3-server.ts'
import { findVersitygw } from '../support/versitygw.ts'

const SEED = Number(process.env['CRASH_SEED'] ?? Math.trunc(Math.random() * 1e6))

const found = await findVersitygw()
if ('missing' in found) test('files in a real bucket', { skip: found.missing }, () => {})
else {
  const { program } = found

  test('has every line of its files once in a bucket, whoever is killed', async (t) => {
    t.diagnostic(`CRASH_SEED=${SEED}`)
    const random = seededRandom(SEED)
    await using server = await startS3Server(program)
    const bucket = await server.bucket()
    await using source = await testDatabase()
    await source.query('create schema app; create table app.t (id int primary key, v text)')
    const writer = new OneWriter(random)
    await writer.fill(source)
    const s3 = { endpoint: server.endpoint, region: 'us-east-1' }
    const settings = 'cdcMaxBatchInterval=1;cdcMinFileSize=1;maxFileSize=4'
    await using folder = await taskFolder(source.url, {
      targets: { files: { type: 'dms-files', url: `s3://${bucket}/dms`, s3, settings } },
    })
    const run = ['run', '--config', folder.config]
    for (const isServerKilled of [false, true, false]) {
      await using child = startCli(run, { env: server.env })
      await child.line('capture began to stream')
      for (let i = 0; i < 40; i++) await writer.commit(source)
      await sleep(random.upTo(1500))
      if (isServerKilled) {
        await server.kill()
        for (let i = 0; i < 20; i++) await writer.commit(source)
        await server.start()
        await sleep(random.upTo(1500))
      }
      await child.end('SIGKILL')
    }
    const { code, stderr, stdout } = await runCli([...run, '--until-caught-up'], {
      env: server.env,
    })
    assert.equal(code, 0, stderr + stdout)
    writer.check(await filesUnder(join(server.folder, bucket, 'dms')))
  })

  test('lets one of many workers write each version of a ledger in a bucket', async () => {
    await using server = await startS3Server(program)
    const store = server.store(await server.bucket())
    const chain = new LedgerChain(store, { lakeId: 'l', consumer: 'shop/files' })
    for (let v = 0; v < 3; v++) {
      const tries = Array.from({ length: 16 }, (_, n) =>
        chain.replace(v, { n, epoch: 1, pending: null, tables: new Map(), memo: {} }),
      )
      const won = (await Promise.all(tries)).filter((version) => version !== null)
      assert.equal(won.length, 1)
      assert.deepEqual(await chain.read(), won[0])
    }
  })
}

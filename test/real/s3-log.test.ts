/**
 * The log in a bucket of a real server: two live writers fence each other, and a flush of many tables
 * takes the time of a few.
 */

import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { hasCode } from '../../src/core/errors.ts'
import type { Manifest } from '../../src/core/manifest.ts'
import type { LogWriter } from '../../src/lake/log/log-writer.ts'
import type { S3Store } from '../../src/storage/s3-store.ts'
import { collect } from '../support/collect.ts'
import { startS3Server, type S3Server } from '../support/s3-server.ts'
import { findVersitygw } from '../support/versitygw.ts'
import { BucketLog } from './support/bucket-log.ts'

const found = await findVersitygw()
if ('missing' in found) test('the log on a real S3 server', { skip: found.missing }, () => {})
else await onServer(found.program)

async function onServer(program: string): Promise<void> {
  const server = await startS3Server(program)
  after(() => server[Symbol.asyncDispose]())
  describe('the log on a real S3 server', () => {
    fences(server)
    flushes(server)
  })
}

function fences(server: S3Server): void {
  test('refuses a zombie, whose rows nobody misses', async () => {
    const bucket = await server.bucket()
    const zombie = new BucketLog(server.store(bucket, 'lake'))
    const heir = new BucketLog(server.store(bucket, 'lake'))
    const old = await zombie.open('old')
    await old.write(await zombie.batch(0x100n, 2))
    const young = await heir.open('young')
    await assert.rejects(old.write(await zombie.batch(0x200n, 2)), { code: 'FENCED' })
    await young.write(await heir.batch(0x200n, 2))
    const manifests = await collect(heir.reader.manifests(1))
    assert.deepEqual(
      manifests.map(({ n, kind, writer }) => [n, kind, writer]),
      [
        [1, 'open', 'old'],
        [2, 'changes', 'old'],
        [3, 'open', 'young'],
        [4, 'changes', 'young'],
      ],
    )
    for (const { entries } of manifests)
      await Promise.all(entries.map((e) => requireFile(bucket, e)))
  })

  test('stays dense, with one author for every number, while two live writers fight for it', async () => {
    const bucket = await server.bucket()
    const fights = ['left', 'right'].map((name) =>
      fight(new BucketLog(server.store(bucket, 'lake')), name),
    )
    const results = await Promise.all(fights)
    const manifests = await collect(new BucketLog(server.store(bucket, 'lake')).reader.manifests(1))
    assert.deepEqual(
      manifests.map(({ n }) => n),
      manifests.map((_, i) => i + 1),
    )
    for (const { name, written } of results) {
      const theirs = manifests.filter(({ writer }) => writer === name).map(({ n }) => n)
      assert.deepEqual(theirs, written, `${name} believes what is true`)
    }
    const fenced = results.reduce((sum, result) => sum + result.fenced, 0)
    assert.ok(fenced > 5, `they met ${fenced} times`)
  })

  async function requireFile(bucket: string, entry: Manifest['entries'][number]): Promise<void> {
    if ('path' in entry) assert.ok(await server.store(bucket, 'lake').get(entry.path), entry.path)
  }
}

const ROUNDS = 20

/** Writes again and again; begins anew whenever the other was faster. */
async function fight(log: BucketLog, name: string) {
  const written: number[] = []
  let fenced = 0
  let writer: LogWriter | null = null
  for (let round = 1; round <= ROUNDS; round++) {
    try {
      if (writer === null) {
        const opening = log.writer(name)
        const { n } = await log.opened(opening)
        written.push(n)
        writer = opening
      }
      const { manifest } = await writer.write(await log.batch(BigInt(0x100 * round), 1))
      written.push(manifest.n)
    } catch (error) {
      if (!hasCode(error, 'FENCED')) throw error
      writer = null
      fenced++
    }
  }
  return { name, written, fenced }
}

function flushes(server: S3Server): void {
  test('says how long a flush of 1, 20 and 200 tables takes', async (t) => {
    const log = new BucketLog(server.store(await server.bucket(), 'lake'))
    const writer = await log.open('w')
    await writer.write(await log.batch(0x100n, 200)) // shapes are stored once
    let commit = 0x200n
    for (const tables of [1, 20, 200]) {
      const times: number[] = []
      for (let round = 0; round < 5; round++) {
        const batch = await log.batch((commit += 0x100n), tables, 5)
        times.push(await millisecondsOf(() => writer.write(batch)))
      }
      t.diagnostic(
        `flush of ${tables} tables: ${times.toSorted((a, b) => a - b)[2]!.toFixed(0)} ms`,
      )
    }
  })

  test('takes a few round trips for a flush of 100 tables', async (t) => {
    const store = withRoundTrip(server.store(await server.bucket(), 'lake'))
    const log = new BucketLog(store)
    const writer = await log.open('w')
    await writer.write(await log.batch(0x100n, 100))
    const batch = await log.batch(0x200n, 100)
    const time = await millisecondsOf(() => writer.write(batch))
    t.diagnostic(`flush of 100 tables, ${ROUND_TRIP_MS} ms away: ${time.toFixed(0)} ms`)
    // One by one it would take 101 of them.
    assert.ok(time < 60 * ROUND_TRIP_MS)
  })
}

const ROUND_TRIP_MS = 100

/** The same store, as far away as another continent. */
function withRoundTrip(store: S3Store): S3Store {
  const put = store.put.bind(store)
  store.put = async (...all) => {
    await sleep(ROUND_TRIP_MS)
    return put(...all)
  }
  return store
}

async function millisecondsOf(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}

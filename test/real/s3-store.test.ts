/** What the store in a bucket does on a real server, beyond the contract. */

import assert from 'node:assert/strict'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { S3Store } from '../../src/storage/s3-store.ts'
import { requireConditionalWrites } from '../../src/storage/s3/conditional-writes.ts'
import { systemClock } from '../../src/system-clock.ts'
import { objectStoreContract } from '../contract/object-store.ts'
import { collect } from '../support/collect.ts'
import { startS3Server, type S3Server } from '../support/s3-server.ts'
import { findVersitygw } from '../support/versitygw.ts'

const MIB = 1024 * 1024
/** The smallest part that S3 takes, but for the last. */
const BLOCK_BYTES = 5 * MIB

const found = await findVersitygw()
if ('missing' in found) test('the store on a real S3 server', { skip: found.missing }, () => {})
else await onServer(found.program)

async function onServer(program: string): Promise<void> {
  const server = await startS3Server(program)
  after(() => server[Symbol.asyncDispose]())

  objectStoreContract('S3Store', async () => server.store(await server.bucket()))
  objectStoreContract('S3Store below a prefix', async () =>
    server.store(await server.bucket(), 'some/lake'),
  )
  describe('a store on a real S3 server', () => {
    partsOf(server)
    answersOf(server)
  })
}

function partsOf(server: S3Server): void {
  const parts = { clock: systemClock, random: Math.random, blockBytes: BLOCK_BYTES }

  test('makes one object of many parts', async () => {
    const store = new S3Store(server.options(await server.bucket()), parts)
    const body = Buffer.alloc(12 * MIB, 'not the same in every part; ')
    await store.put('big', body)
    assert.ok((await store.get('big'))?.equals(body))
    assert.deepEqual(await collect(store.list('')), ['big'])
  })

  test('lets exactly one of 20 creators win who send parts, and keeps no part', async () => {
    const bucket = await server.bucket()
    const store = new S3Store(server.options(bucket), parts)
    const bodies = Array.from({ length: 20 }, (_, i) => Buffer.alloc(BLOCK_BYTES + 1, i))
    const put = (body: Buffer): Promise<void> => store.put('race', body, { ifAbsent: true })
    const results = await Promise.allSettled(bodies.map(put))
    const winners = bodies.filter((_, i) => results[i]?.status === 'fulfilled')
    assert.equal(winners.length, 1)
    assert.ok((await store.get('race'))?.equals(winners[0]!))
    for (const result of results) {
      if (result.status === 'rejected') assert.equal(result.reason.code, 'OBJECT_EXISTS')
    }
    const files = await readdir(join(server.folder, bucket), { recursive: true })
    assert.deepEqual(
      files.filter((name) => /(^|\/)\d+$/.test(name)),
      [],
    )
  })

  test('lists more than a page', async () => {
    const bucket = await server.bucket()
    const folder = join(server.folder, bucket, 'lake', 'x')
    await mkdir(folder, { recursive: true })
    const names = Array.from({ length: 2345 }, (_, i) => String(i).padStart(20, '0'))
    for (const name of names) await writeFile(join(folder, name), '')
    const keys = await collect(server.store(bucket, 'lake').list('x/', `x/${names[2]}`))
    assert.deepEqual(
      keys,
      names.slice(3).map((name) => `x/${name}`),
    )
  })
}

function answersOf(server: S3Server): void {
  test('has conditional writes', async () => {
    const store = server.store(await server.bucket())
    await requireConditionalWrites(store, 'id')
    assert.deepEqual(await collect(store.list('')), [])
  })

  test('keeps what it has acknowledged when it is killed, and answers again after that', async () => {
    const store = server.store(await server.bucket())
    const acknowledged: string[] = []
    const end = new AbortController()
    const writers = Array.from({ length: 8 }, async (_, writer) => {
      for (let i = 0; !end.signal.aborted; i++) {
        const key = `writer-${writer}/${i}`
        // An answer that got lost is OBJECT_EXISTS the next time.
        await store.put(key, Buffer.from(key), { ifAbsent: true }).catch((error: unknown) => {
          assert.ok(error instanceof Error && 'code' in error && error.code === 'OBJECT_EXISTS')
        })
        acknowledged.push(key)
      }
    })
    for (const _ of [1, 2]) {
      await sleep(300)
      await server.kill()
      await sleep(100)
      await server.start()
    }
    end.abort()
    await Promise.all(writers)
    assert.ok(acknowledged.length > 50)
    for (const key of acknowledged) assert.equal(String(await store.get(key)), key)
  })

  // The server removes folders that have become empty while others put objects into them, and then
  // refuses the put: a writer stopped whose heir was sweeping. Found by the fight of two writers.
  test('puts and deletes side by side, in folders that come and go', async () => {
    const store = server.store(await server.bucket(), 'lake')
    const writers = Array.from({ length: 8 }, async (_, writer) => {
      for (let i = 0; i < 100; i++) {
        const key = `a/b/c/${writer}-${i}`
        await store.put(key, Buffer.from(key))
        assert.equal(String(await store.get(key)), key)
        await store.delete(key)
      }
    })
    await Promise.all(writers)
    assert.deepEqual(await collect(store.list('')), [])
  })

  test('says who was refused, and where there is no bucket', async () => {
    const bucket = await server.bucket()
    const secret = process.env['AWS_SECRET_ACCESS_KEY']!
    process.env['AWS_SECRET_ACCESS_KEY'] = 'wrong'
    const stranger = server.store(bucket)
    try {
      await assert.rejects(stranger.put('x', Buffer.from('x')), { code: 'CREDENTIALS_REFUSED' })
    } finally {
      process.env['AWS_SECRET_ACCESS_KEY'] = secret
    }
    assert.equal(await server.store(bucket).get('x'), null)
    const nowhere = server.store('no-such-bucket')
    await assert.rejects(nowhere.put('x', Buffer.from('x')), { code: 'BUCKET_MISSING' })
    await assert.rejects(collect(nowhere.list('')), { code: 'BUCKET_MISSING' })
    await assert.rejects(nowhere.get('x'), { code: 'BUCKET_MISSING' })
  })
}

/** The parts of the store in a bucket: blocks, retries, and the look for conditional writes. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, test } from 'node:test'

import fc from 'fast-check'

import type { ObjectStore } from '../../../src/core/object-store.ts'
import { MemoryStore } from '../../../src/storage/memory-store.ts'
import { blocksOf } from '../../../src/storage/s3/blocks.ts'
import { requireConditionalWrites } from '../../../src/storage/s3/conditional-writes.ts'
import { Retries } from '../../../src/storage/s3/retry.ts'
import { collect } from '../../support/collect.ts'

test('blocks have one size but for the last, and hold what the body holds', async () => {
  const pieces = fc.array(fc.uint8Array({ maxLength: 30 }), { maxLength: 10 })
  await fc.assert(
    fc.asyncProperty(pieces, fc.integer({ min: 1, max: 40 }), async (all, size) => {
      async function* body(): AsyncGenerator<Uint8Array> {
        const reused = Buffer.alloc(30)
        for (const piece of all) {
          reused.set(piece)
          yield reused.subarray(0, piece.length)
        }
      }
      const whole = Buffer.concat(all)
      for (const given of [body(), whole]) {
        const blocks = await collect(blocksOf(given, size))
        assert.ok(Buffer.concat(blocks).equals(whole))
        assert.ok(blocks.slice(0, -1).every((block) => block.length === size))
        assert.ok(blocks.every((block) => block.length > 0 && block.length <= size))
      }
    }),
  )
})

test('a plea to slow down holds up every request of the store, and only then', async () => {
  const waking: (() => void)[] = []
  let now = 0
  const clock = {
    now: () => now,
    sleep: (ms: number) =>
      new Promise<void>((resolve) => {
        waking.push(() => {
          now += ms
          resolve()
        })
      }),
  }
  const retries = new Retries({ clock, random: () => 0.5 })
  const sent: string[] = []
  const slowOnce = retries.run(async () => {
    sent.push('first')
    if (sent.length === 1) throw Object.assign(new Error('slow'), { name: 'SlowDown' })
  })
  while (waking.length < 1) await Promise.resolve()
  const other = retries.run(async () => void sent.push('other'))
  while (waking.length < 2) await Promise.resolve()
  assert.deepEqual(sent, ['first'])
  for (const wake of waking) wake()
  await Promise.all([slowOnce, other])
  await retries.run(async () => void sent.push('later'))
  assert.deepEqual(sent, ['first', 'first', 'other', 'later'])
  assert.equal(waking.length, 2)
})

describe('conditional writes', () => {
  test('are found where they are, and nothing is left behind', async () => {
    const store = new MemoryStore()
    await requireConditionalWrites(store, 'id')
    assert.deepEqual(await collect(store.list('')), [])
  })

  test('are missed where the second writer overwrites the first', async () => {
    const store = new MemoryStore()
    const ignoring = storeThatPuts(store, (key, body) => store.put(key, body))
    await assert.rejects(requireConditionalWrites(ignoring, 'id'), { code: 'LAKE_UNFENCED' })
  })

  test('are missed where two that come together both win', async () => {
    const store = new MemoryStore()
    const racy = storeThatPuts(store, async (key, body, options) => {
      const isTaken = (await store.get(key)) !== null
      await new Promise(setImmediate)
      await store.put(key, body, isTaken ? options : {})
    })
    await assert.rejects(requireConditionalWrites(racy, 'id'), {
      code: 'LAKE_UNFENCED',
      message: /let 8 of 8 create the same object/,
    })
  })

  test('are found by who may not delete', async () => {
    const store = new MemoryStore()
    const kept = storeThatPuts(store, (...all) => store.put(...all))
    kept.delete = () => Promise.reject(new Error('denied'))
    await requireConditionalWrites(kept, 'id')
    assert.deepEqual(await collect(store.list('')), ['_millrace/probe/id'])
  })
})

test('without the package, the store says how to install it', () => {
  const hooks = `export async function resolve(name, context, next) {
    if (name === '@aws-sdk/client-s3') throw new Error('not found')
    return next(name, context)
  }`
  const client = new URL('../../../src/storage/s3/client.js', import.meta.url).href
  const path = import.meta.url.endsWith('.ts') ? client.replace(/js$/, 'ts') : client
  const loader = import.meta.url.endsWith('.ts') ? ['--import', import.meta.resolve('tsx')] : []
  const script = `import { register } from 'node:module'
    register('data:text/javascript,' + ${JSON.stringify(encodeURIComponent(hooks))})
    const { openS3 } = await import(${JSON.stringify(path)})
    await openS3({}).catch(({ code, hint }) => console.log(code, hint))`
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [...loader, '--input-type=module', '-e', script],
    { encoding: 'utf8' },
  )
  assert.equal(stdout, 'PACKAGE_MISSING run: npm install @aws-sdk/client-s3\n', stderr)
})

/** The store, but with another way to put. */
function storeThatPuts(
  store: MemoryStore,
  put: ObjectStore['put'],
): { -readonly [K in keyof ObjectStore]: ObjectStore[K] } {
  return {
    url: store.url,
    put,
    get: (key) => store.get(key),
    read: (key) => store.read(key),
    list: (prefix, after) => store.list(prefix, after),
    delete: (key) => store.delete(key),
    localPath: () => null,
  }
}

/** What every ObjectStore must do. Each implementation's own test calls this and adds only its oddities. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import type { ObjectStore } from '../../src/core/object-store.ts'
import { collect } from '../support/collect.ts'

/** Keys whose order, characters or likeness to one another a store may get wrong. */
const ODD_KEYS = [
  'a-b', 'a.b', 'a/b', 'a/b-c', 'a/b.c', 'a/bc/d', 'a0', 'a/~41', 'Z/b', 'b/.hidden', '.c/d', 'd/..e',
  'd/...', 'e e/f g', 'f/100%', 'f/%2F', 'g/\u00fc', 'g/\ufb01', 'g/\u{1f600}', 'g/\ue000/x', 'g/~',
  'h/new\nline', 'i/"quoted"', "i/it's", 'i/*?[x]', 'i/back\\slash', 'j/-', 'j/--x', `k/${'long'.repeat(60)}`,
] // prettier-ignore

/** Every call of `open` gives a store that holds nothing. */
export function objectStoreContract(name: string, open: () => Promise<ObjectStore>): void {
  describe(`${name} is an object store that`, () => {
    holdsObjects(open)
    createsOnce(open)
    streams(open)
    lists(open)
  })
}

function holdsObjects(open: () => Promise<ObjectStore>): void {
  test('returns what was put, byte for byte', async () => {
    const store = await open()
    const body = Uint8Array.from({ length: 256 }, (_, i) => i)
    await store.put('a/b', body)
    assert.deepEqual(new Uint8Array((await store.get('a/b'))!), body)
  })

  test('keeps an object without content', async () => {
    const store = await open()
    await store.put('empty', new Uint8Array())
    assert.equal((await store.get('empty'))!.length, 0)
    assert.equal(Buffer.concat(await collect(store.read('empty'))).length, 0)
  })

  test('knows nothing of what was not put, nor of what only leads to an object', async () => {
    const store = await open()
    await store.put('a/b/c', Buffer.from('x'))
    for (const key of ['missing', 'missing/too', 'a', 'a/b', 'a/b/c/d']) {
      assert.equal(await store.get(key), null, key)
      await assert.rejects(collect(store.read(key)), { code: 'OBJECT_MISSING' }, key)
    }
  })

  test('is not changed through a buffer that was put or got', async () => {
    const store = await open()
    const body = Buffer.from('before')
    await store.put('kept', body)
    body.fill(0)
    ;(await store.get('kept'))!.fill(0)
    assert.equal(String(await store.get('kept')), 'before')
  })

  test('replaces an object as a whole', async () => {
    const store = await open()
    await store.put('one', Buffer.from('long content'))
    await store.put('one', Buffer.from('short'))
    assert.equal(String(await store.get('one')), 'short')
  })

  test('forgives deleting twice, and deleting what never was', async () => {
    const store = await open()
    await store.put('gone/x', new Uint8Array())
    await store.delete('gone/x')
    await store.delete('gone/x')
    await store.delete('never/was')
    assert.equal(await store.get('gone/x'), null)
    assert.deepEqual(await collect(store.list('')), [])
  })

  test('tells odd keys apart and finds each again', async () => {
    const store = await open()
    for (const key of ODD_KEYS) await store.put(key, Buffer.from(key), { ifAbsent: true })
    for (const key of ODD_KEYS) assert.equal(String(await store.get(key)), key)
    for (const key of ODD_KEYS) await store.delete(key)
    assert.deepEqual(await collect(store.list('')), [])
  })

  test('refuses what is not a key', async () => {
    const store = await open()
    for (const key of ['', '/a', 'a/', 'a//b', '.', '..', 'a/../b', '../a', 'a/./b', 'a\0b']) {
      await assert.rejects(store.put(key, Buffer.from('x')), /not a key/, key)
      await assert.rejects(store.get(key), /not a key/, key)
      await assert.rejects(store.delete(key), /not a key/, key)
    }
    assert.deepEqual(await collect(store.list('')), [])
  })
}

function createsOnce(open: () => Promise<ObjectStore>): void {
  test('keeps the first object when asked to', async () => {
    const store = await open()
    await store.put('once', Uint8Array.of(1), { ifAbsent: true })
    const second = store.put('once', Uint8Array.of(2), { ifAbsent: true })
    await assert.rejects(second, { code: 'OBJECT_EXISTS' })
    assert.deepEqual([...(await store.get('once'))!], [1])
    assert.deepEqual(await collect(store.list('')), ['once'])
  })

  test('lets exactly one of 200 creators win', async () => {
    const store = await open()
    const racers = Array.from({ length: 200 }, (_, i) => Buffer.from(`racer ${i}`))
    const put = (body: Buffer) => store.put('a/race', body, { ifAbsent: true })
    const results = await Promise.allSettled(racers.map(put))
    const winners = racers.filter((_, i) => results[i]!.status === 'fulfilled')
    assert.equal(winners.length, 1)
    assert.equal(String(await store.get('a/race')), String(winners[0]))
    for (const result of results) {
      if (result.status === 'rejected') assert.equal(result.reason.code, 'OBJECT_EXISTS')
    }
    assert.deepEqual(await collect(store.list('')), ['a/race'])
  })

  test('lets a key be created again after it was deleted', async () => {
    const store = await open()
    await store.put('again', Buffer.from('1'), { ifAbsent: true })
    await store.delete('again')
    await store.put('again', Buffer.from('2'), { ifAbsent: true })
    assert.equal(String(await store.get('again')), '2')
  })
}

function streams(open: () => Promise<ObjectStore>): void {
  test('takes a body in pieces, even when all come in the same piece of memory', async () => {
    const store = await open()
    await store.put('pieces', countedPieces(50))
    const expected = Array.from({ length: 50 }, (_, i) => `piece ${i};`).join('')
    assert.equal(String(await store.get('pieces')), expected)
  })

  test('reads in pieces what it returns whole', async () => {
    const store = await open()
    const body = Buffer.alloc(1_500_000, 'some content that is longer than one piece of a stream ')
    await store.put('large', body)
    assert.ok(Buffer.concat(await collect(store.read('large'))).equals(body))
    assert.ok((await store.get('large'))!.equals(body))
  })

  test('lets a reader stop early', async () => {
    const store = await open()
    await store.put('large', Buffer.alloc(1_500_000))
    for await (const piece of store.read('large')) {
      assert.ok(piece.length > 0)
      break
    }
    await store.delete('large')
  })

  test('shows nothing of an object before its body has ended', async () => {
    const store = await open()
    let seen: unknown = null
    async function* body(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('first half')
      seen = [await store.get('new'), await collect(store.list(''))]
      yield Buffer.from('second half')
    }
    await store.put('new', body())
    assert.deepEqual(seen, [null, []])
    assert.deepEqual(await collect(store.list('')), ['new'])
  })

  test('leaves no trace of a body that fails, and reports its own error', async () => {
    const store = await open()
    await store.put('there', Buffer.from('old'))
    async function* body(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('half')
      throw new Error('the source broke')
    }
    await assert.rejects(store.put('a/new', body()), /the source broke/)
    await assert.rejects(store.put('a/new', body(), { ifAbsent: true }), /the source broke/)
    await assert.rejects(store.put('there', body()), /the source broke/)
    assert.equal(String(await store.get('there')), 'old')
    assert.deepEqual(await collect(store.list('')), ['there'])
  })

  test('takes many bodies at the same time', async () => {
    const store = await open()
    const keys = Array.from({ length: 60 }, (_, i) => `folder-${i % 7}/object-${i}`)
    await Promise.all(keys.map((key, i) => store.put(key, countedPieces(i))))
    assert.deepEqual(await collect(store.list('')), keys.toSorted(byBytes))
    for (const [i, key] of keys.entries()) {
      assert.equal(String(await store.get(key)), String(await concat(countedPieces(i))))
    }
  })
}

function lists(open: () => Promise<ObjectStore>): void {
  test('lists nothing when it holds nothing', async () => {
    const store = await open()
    assert.deepEqual(await collect(store.list('')), [])
    assert.deepEqual(await collect(store.list('a/b', 'a/b/c')), [])
  })

  test('lists keys in byte order, after a key, under a prefix', async () => {
    const store = await open()
    for (const key of ['x/2', 'x/10', 'y/1', 'x/1']) await store.put(key, new Uint8Array())
    assert.deepEqual(await collect(store.list('x/')), ['x/1', 'x/10', 'x/2'])
    assert.deepEqual(await collect(store.list('x/', 'x/1')), ['x/10', 'x/2'])
    assert.deepEqual(await collect(store.list('x/1')), ['x/1', 'x/10'])
  })

  test('lists what byte order says for every prefix and every start', async () => {
    const store = await open()
    for (const key of ODD_KEYS) await store.put(key, new Uint8Array())
    const cuts = new Set(['', 'zzz', ...ODD_KEYS.flatMap((key) => cutsOf(key))])
    const few = [...cuts].filter((cut) => cut.length < 5)
    for (const prefix of cuts) await check(prefix, '')
    for (const after of cuts) await check('', after)
    for (const prefix of few) for (const after of few) await check(prefix, after)

    async function check(prefix: string, after: string): Promise<void> {
      const expected = ODD_KEYS.filter((key) => key.startsWith(prefix) && byBytes(key, after) > 0)
      const listed = await collect(store.list(prefix, after))
      assert.deepEqual(listed, expected.toSorted(byBytes), `prefix ${prefix} after ${after}`)
    }
  })

  test('lets a list be left early', async () => {
    const store = await open()
    for (const key of ['a', 'b', 'c']) await store.put(key, new Uint8Array())
    for await (const key of store.list('')) {
      assert.equal(key, 'a')
      break
    }
  })
}

/** Yields the same buffer again and again, as a writer does that reuses its blocks. */
async function* countedPieces(count: number): AsyncGenerator<Uint8Array> {
  const buffer = Buffer.alloc(32)
  for (let i = 0; i < count; i++) yield buffer.subarray(0, buffer.write(`piece ${i};`))
}

async function concat(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const copies: Buffer[] = []
  for await (const piece of pieces) copies.push(Buffer.from(piece))
  return Buffer.concat(copies)
}

/** The key, and what is left of it when it is cut after each of its first characters. */
function cutsOf(key: string): string[] {
  const characters = Array.from(key)
  const cuts = characters.slice(0, 6).map((_, i) => characters.slice(0, i + 1).join(''))
  return [...cuts, key]
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

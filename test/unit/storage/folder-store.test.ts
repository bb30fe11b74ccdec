/** What the store in a folder does beyond the contract. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, describe, test } from 'node:test'

import { escapeName } from '../../../src/core/table.ts'
import { FolderStore } from '../../../src/storage/folder-store.ts'
import { objectStoreContract } from '../../contract/object-store.ts'
import { collect } from '../../support/collect.ts'

const base = await mkdtemp(join(tmpdir(), 'millrace store ')) // with spaces in its path
after(() => rm(base, { recursive: true }))
let count = 0

function newRoot(): string {
  return join(base, `lake-${count++}`, 'not made yet')
}

objectStoreContract('FolderStore', async () => new FolderStore(newRoot()))

describe('a store in a folder', () => {
  test('keeps an object as a file of that path, with nothing beside it', async () => {
    const root = newRoot()
    const store = new FolderStore(root)
    await store.put('a/b.json', Buffer.from('x'))
    await store.put('a/b.json', Buffer.from('y'))
    await assert.rejects(store.put('a/b.json', Buffer.from('z'), { ifAbsent: true }))
    assert.equal(await readFile(join(root, 'a/b.json'), 'utf8'), 'y')
    assert.equal(store.localPath('a/b.json'), join(root, 'a/b.json'))
    assert.equal(store.url, root)
    assert.deepEqual(await readdir(join(root, 'a')), ['b.json'])
  })

  test('leaves no draft of a body that fails', async () => {
    const root = newRoot()
    async function* body(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('half')
      assert.equal((await readdir(root)).length, 1)
      throw new Error('the source broke')
    }
    await assert.rejects(new FolderStore(root).put('new', body()), /the source broke/)
    assert.deepEqual(await readdir(root), [])
  })

  test('makes its folders again when somebody removed them', async () => {
    const root = newRoot()
    const store = new FolderStore(root)
    await store.put('a/b/c', Buffer.from('1'))
    await rm(root, { recursive: true })
    await store.put('a/b/d', Buffer.from('2'))
    assert.deepEqual(await collect(store.list('')), ['a/b/d'])
  })

  // A process was killed in a load, whose folder is never written to again: its draft stayed for
  // good, and each kill left up to 64 MiB more. Found by the crash test.
  test('finds the drafts of folders that come and go', async () => {
    const root = newRoot()
    const drafts: string[] = []
    async function* body(): AsyncGenerator<Uint8Array> {
      const files = await readdir(root, { recursive: true })
      drafts.push(...files.filter((name) => name.includes('.draft-')).map((name) => dirname(name)))
      yield Buffer.from('1')
    }
    const store = new FolderStore(root)
    for (const key of ['b', 'a/b', 'a/c/d', 'a/c/load/1/x', 'a/c/load/2/x']) {
      await store.put(key, body())
    }
    assert.deepEqual(drafts, ['.', 'a', 'a/c', 'a/c/load', 'a/c/load'])
  })

  test('follows a folder that stands on another disk', async () => {
    const [root, elsewhere] = [newRoot(), newRoot()]
    await new FolderStore(elsewhere).put('x', Buffer.from('1'))
    const store = new FolderStore(root)
    await store.put('b', Buffer.from('2'))
    await symlink(elsewhere, join(root, 'a'))
    await symlink('nowhere', join(root, 'c'))
    assert.deepEqual(await collect(store.list('')), ['a/x', 'b', 'c'])
  })

  test('reads a folder only when its turn in a list comes', async () => {
    const root = newRoot()
    const store = new FolderStore(root)
    for (const key of ['a/1', 'b/1', 'c/1']) await store.put(key, Buffer.from('1'))
    const keys: string[] = []
    for await (const key of store.list('')) {
      keys.push(key)
      await rm(join(root, 'b'), { recursive: true, force: true })
    }
    assert.deepEqual(keys, ['a/1', 'c/1'])
  })

  const unwritable = [
    ['the lake is a file', 'plain', 'x'],
    ['the lake is below a file', 'plain/lake', 'x'],
    ['a folder of the key is a file', '.', 'plain/x'],
    ['the key is a folder', '.', 'folder'],
  ] as const
  for (const [name, root, key] of unwritable) {
    test(`says LAKE_UNWRITABLE and where when ${name}`, async () => {
      const parent = newRoot()
      await mkdir(join(parent, 'folder'), { recursive: true })
      await writeFile(join(parent, 'plain'), '')
      const put = new FolderStore(join(parent, root)).put(key, Buffer.from('1'))
      const isWhere = (error: Error & { code?: string }) =>
        error.code === 'LAKE_UNWRITABLE' && error.message.includes(join(parent, root))
      await assert.rejects(put, isWhere)
      assert.deepEqual((await readdir(parent)).toSorted(), ['folder', 'plain'])
    })
  }
})

describe('drafts of others', () => {
  const host = escapeName(hostname())
  const dead = spawnSync(process.execPath, ['-e', '']).pid
  // The load of a table that has become empty writes no part, and found no draft of a killed one.
  test('go when a folder is tidied to which nothing is written', async () => {
    const root = newRoot()
    const folder = join(root, 'a', 't', 'load')
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, `.draft-${host}-${dead}-1`), 'half')
    await writeFile(join(folder, `.draft-${host}-${process.ppid}-1`), 'alive')
    const store = new FolderStore(root)
    await store.tidy('a/t/load/')
    assert.deepEqual(await readdir(folder), [`.draft-${host}-${process.ppid}-1`])
    await store.tidy('a/nosuch/load/')
    assert.deepEqual(await readdir(join(root, 'a')), ['t'])
  })

  const hourAgo = new Date(Date.now() - 2 * 60 * 60 * 1000)
  const cases = [
    ['of a dead process are removed', `.draft-${host}-${dead}-1`, null, false],
    ['of a living process stay', `.draft-${host}-${process.ppid}-1`, null, true],
    ['of another machine stay while they are young', `.draft-elsewhere-${dead}-1`, null, true],
    ['that nobody touched for an hour are removed', '.draft-elsewhere-1-1', hourAgo, false],
    ['with an unknown name stay while they are young', '.draft-x', null, true],
  ] as const

  for (const [name, draft, touched, stays] of cases) {
    test(`${name}, and are never listed`, async () => {
      const root = newRoot()
      const path = join(root, 'a', draft)
      await mkdir(join(root, 'a'), { recursive: true })
      await writeFile(path, 'half')
      if (touched) await utimes(path, touched, touched)
      const store = new FolderStore(root)
      assert.deepEqual(await collect(store.list('')), [])
      await store.put('a/b', Buffer.from('1'))
      assert.deepEqual(await readdir(join(root, 'a')), stays ? [draft, 'b'] : ['b'])
      assert.deepEqual(await collect(store.list('')), ['a/b'])
    })
  }
})

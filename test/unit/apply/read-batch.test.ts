import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { isIdle, isVoided, LogWindow, readBatch } from '../../../src/apply/read-batch.ts'
import { LARGE } from './desk.ts'
import { insert, loadEnd, ScriptedLog, truncate } from './scripted-log.ts'

/** `.` ends a transaction, `-` does not, `e` an epoch, `v` one that voids, `h` a heartbeat. */
function scripted(script: string): ScriptedLog {
  const log = new ScriptedLog()
  let at = 10
  for (const letter of script) {
    at += 10
    const entries = [log.rows('a', [insert([at, 2], '1', 'x'), insert([at, 4], '2', 'y')])]
    if (letter === '.') log.changes({ to: [at, 4], entries })
    else if (letter === '-') log.changes({ to: [at, 4, 'half'], entries })
    else if (letter === 'h') log.heartbeat(at)
    else log.epoch({ to: [5, 0], continues: letter === 'e' })
  }
  return log
}

describe('a batch', () => {
  const cases: { name: string; script: string; limits?: object; takes: string }[] = [
    { name: 'of an empty log is empty', script: '', takes: '' },
    { name: 'takes all whole transactions', script: '...', takes: '...' },
    { name: 'leaves a transaction that goes on', script: '..--', takes: '..' },
    { name: 'is empty while its transaction goes on', script: '---', takes: '' },
    { name: 'ends at the limit of rows', script: '...', limits: { rows: 4 }, takes: '..' },
    { name: 'ends at the limit of bytes', script: '...', limits: { bytes: 1 }, takes: '.' },
    {
      name: 'ends at the limit of manifests',
      script: '...',
      limits: { manifests: 2 },
      takes: '..',
    },
    {
      name: 'takes a transaction whole that is larger than the limits',
      script: '---..',
      limits: { rows: 1 },
      takes: '---.',
    },
    {
      name: 'does not go on reading one when it has enough',
      script: '.---.',
      limits: { rows: 2 },
      takes: '.',
    },
    { name: 'ends before an epoch', script: '..e.', takes: '..' },
    {
      name: 'ends before an epoch and leaves the half transaction to it',
      script: '.-v.',
      takes: '.',
    },
    { name: 'consists of an epoch alone', script: 'e.', takes: 'e' },
    { name: 'consists of voided rows and their epoch', script: '--v.', takes: '--v' },
    {
      name: 'consists of rows that an epoch continues, and the epoch',
      script: '--e.',
      takes: '--e',
    },
    { name: 'takes heartbeats along', script: '.hh.', takes: '.hh.' },
  ]

  for (const { name, script, limits, takes } of cases) {
    test(name, async () => {
      const window = new LogWindow(scripted(script))
      const batch = await readBatch(window, 0, { ...LARGE, ...limits })
      assert.equal(script.slice(0, batch.length), takes)
      assert.equal(isVoided(batch), takes.endsWith('v'))
    })
  }

  test('begins after the manifest that was taken last', async () => {
    const batch = await readBatch(new LogWindow(scripted('....')), 2, LARGE)
    assert.deepEqual(batch.map(({ n }) => n), [3, 4]) // prettier-ignore
  })

  test('of an unfinished transaction is read once, however often it is looked at', async () => {
    const log = scripted('----')
    const window = new LogWindow(log)
    await readBatch(window, 0, LARGE)
    const first = log.asked
    for (let i = 0; i < 5; i++) await readBatch(window, 0, LARGE)
    assert.equal(log.asked, first + 5)
    window.forget(4)
    await readBatch(window, 0, LARGE)
    assert.equal(log.asked, 2 * first + 5)
  })
})

describe('the window on the log', () => {
  /** So many manifests, of which some cannot be read. */
  class FarLog {
    readonly asked: number[] = []
    underWay = 0
    mostUnderWay = 0
    head: number
    readonly #broken: ReadonlySet<number>
    readonly #manifests = scripted('.'.repeat(100)).manifests

    constructor(head: number, broken: readonly number[] = []) {
      this.head = head
      this.#broken = new Set(broken)
    }

    async manifest(n: number) {
      this.asked.push(n)
      this.mostUnderWay = Math.max(this.mostUnderWay, ++this.underWay)
      await new Promise((resolve) => {
        setImmediate(resolve)
      })
      this.underWay--
      if (this.#broken.has(n)) throw new Error(`no manifest ${n}`)
      return n <= this.head ? this.#manifests[n - 1]! : null
    }
  }

  test('reads a few ahead for who is far behind, and never more than sixteen', async () => {
    const log = new FarLog(100)
    const window = new LogWindow(log)
    for (let n = 1; n <= 100; n++) assert.equal((await window.manifest(n))?.n, n)
    assert.equal(log.mostUnderWay, 16)
    assert.equal(log.asked.length, new Set(log.asked).size)
  })

  test('asks for one at the head, and after each that came', async () => {
    const log = new FarLog(0)
    const window = new LogWindow(log)
    for (log.head = 0; log.head < 10; log.head++) {
      assert.equal(await window.manifest(log.head + 1), null)
      log.asked.length = 0
      assert.equal(await window.manifest(log.head + 1), null)
      assert.deepEqual(log.asked, [log.head + 1])
    }
    assert.equal(log.mostUnderWay, 1)
  })

  test('tells what is wrong with a manifest when its turn comes', async () => {
    const log = new FarLog(20, [7])
    const window = new LogWindow(log)
    for (let n = 1; n <= 6; n++) assert.equal((await window.manifest(n))?.n, n)
    await assert.rejects(window.manifest(7), { message: 'no manifest 7' })
    await assert.rejects(window.manifest(7), { message: 'no manifest 7' })
    assert.equal((await window.manifest(8))?.n, 8)
  })
})

test('only heartbeats and open manifests without entries are idle', () => {
  const log = new ScriptedLog()
    .open()
    .heartbeat(5)
    .changes({ entries: [loadEnd('a', 'L')] })
    .open('cdc', { entries: [truncate('a', [6, 2])] })
    .epoch({ continues: true })
  assert.deepEqual(log.manifests.map(isIdle), [true, true, false, false, false])
})

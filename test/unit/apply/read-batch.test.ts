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
    for (let i = 0; i < 5; i++) await readBatch(window, 0, LARGE)
    assert.equal(log.asked, 4 + 5)
    window.forget(4)
    await readBatch(window, 0, LARGE)
    assert.equal(log.asked, 4 + 5 + 5)
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

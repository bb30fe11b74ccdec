/** Word from an operator that a suspended table may go on. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { ResumeWatch } from '../../../src/apply/resume-watch.ts'
import { Resumes, writeResume } from '../../../src/lake/resumes.ts'
import { MemoryStore } from '../../../src/storage/memory-store.ts'
import { MemoryPlace } from '../../support/memory-target.ts'
import { CONSUMER, Desk } from './desk.ts'
import { id, insert, loadBegin, loadEnd, ScriptedLog } from './scripted-log.ts'

/** A log with a table whose last file is damaged, and the file. */
function damaged(): { log: ScriptedLog; repair: () => void } {
  const log = new ScriptedLog().open()
  const entries = [loadBegin('a', 'l', { lsn: 5, since: 1 }), log.part('a', 'l', [['k', 'v']]), loadEnd('a', 'l')] // prettier-ignore
  log.changes({ to: [10, 0], confirm: 10, entries })
  const file = log.rows('a', [insert([20, 2], 'x', 'y')])
  log.changes({ to: [20, 2], entries: [file] })
  log.damage(file)
  return { log, repair: () => log.repair(file) }
}

const ASKED = { consumer: CONSUMER, table: id('a'), at: '2026-11-24T12:00:00.000Z' }

describe('a suspended table', () => {
  test('goes on from its own place once somebody says so, and the word is taken away', async () => {
    const store = new MemoryStore()
    const { log, repair } = damaged()
    let now = 0
    const clock = { now: () => now, sleep: () => Promise.resolve() }
    const desk = new Desk(log, { resumes: new Resumes(store), clock })
    await desk.applier.drainOnce()
    assert.equal(await desk.stragglers(), 'a:suspended')
    repair()
    await desk.applier.drainOnce()
    assert.equal(await desk.stragglers(), 'a:suspended')
    await writeResume(store, ASKED)
    now += 5000
    await desk.applier.drainOnce()
    assert.equal(await desk.stragglers(), '')
    assert.equal(desk.rows('a'), 'k=v x=y')
    assert.equal(await new Resumes(store).isAsked(CONSUMER, id('a')), false)
  })

  test('goes on at the start if it was said while nobody ran, and not in another target', async () => {
    const store = new MemoryStore()
    const { log, repair } = damaged()
    const place = new MemoryPlace()
    await new Desk(log, { place }).applier.drainOnce()
    repair()
    await writeResume(store, { ...ASKED, consumer: 'shop/other' })
    const resumes = new Resumes(store)
    const before = new Desk(log, { place, resumes })
    await before.applier.drainOnce()
    assert.equal(await before.stragglers(), 'a:suspended')
    await writeResume(store, ASKED)
    const after = new Desk(log, { place, resumes })
    await after.applier.drainOnce()
    assert.equal(after.rows('a'), 'k=v x=y')
    assert.equal(await resumes.isAsked('shop/other', id('a')), true)
  })

  test('does not go on by what was said before it was suspended', async () => {
    const store = new MemoryStore()
    await writeResume(store, ASKED)
    const { log } = damaged()
    const desk = new Desk(log)
    await desk.applier.drainOnce()
    const suspended = await desk.ledger()
    const resumes = new Resumes(store)
    const watch = new ResumeWatch({ consumer: CONSUMER, resumes, clock: { now: () => 0 } })
    const never = () => assert.fail('it was resumed')
    assert.equal(await watch.look({ ...suspended, stragglers: new Map() }, never), false)
    assert.equal(await watch.look(suspended, never), false)
    assert.equal(await resumes.isAsked(CONSUMER, id('a')), false)
  })
})

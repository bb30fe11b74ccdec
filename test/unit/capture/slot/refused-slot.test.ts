import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { whyRefused } from '../../../../src/capture/slot/refused-slot.ts'
import type { SlotInfo } from '../../../../src/capture/slot/slot.ts'
import { CodedError } from '../../../../src/core/errors.ts'
import { lsn } from '../../../../src/core/lsn.ts'

const SLOT: SlotInfo = {
  name: 's',
  plugin: 'pgoutput',
  database: 'd',
  isOfThisDatabase: true,
  isTwoPhase: false,
  walStatus: 'reserved',
  confirmed: lsn(1n),
  restart: lsn(1n),
  safeBytes: null,
  activePid: null,
  isFailover: false,
  isSynced: false,
  invalidation: null,
  unusedMs: null,
}

function serverError(code: string): Error {
  return Object.assign(new Error('the words of the server'), { code })
}

function codeOf(error: unknown): string {
  return error instanceof CodedError ? error.code : 'none'
}

describe('a slot that the server refuses for its state', () => {
  const cases: [what: string, slot: SlotInfo | null, code: string][] = [
    ['was lost after we had looked', { ...SLOT, walStatus: 'lost' }, 'SLOT_LOST'],
    ['was given up for being idle', { ...SLOT, invalidation: 'idle_timeout' }, 'SLOT_LOST'],
    ['is a copy on a standby', { ...SLOT, isSynced: true }, 'SOURCE_IS_STANDBY'],
    ['has nothing wrong with it: it is the server', SLOT, 'SERVER_REFUSED'],
    ['is not there: it is the server', null, 'SERVER_REFUSED'],
  ]
  for (const [what, slot, code] of cases) {
    test(`${what}: ${code}`, async () => {
      const reason = await whyRefused(serverError('55000'), () => Promise.resolve(slot))
      assert.equal(codeOf(reason), code)
    })
  }

  test('is looked at for no other reason', async () => {
    const read = () => Promise.reject(new Error('looked'))
    assert.equal(codeOf(await whyRefused(serverError('55006'), read)), 'SLOT_IN_USE')
    const bug = new Error('bug')
    assert.equal(await whyRefused(bug, read), bug)
  })
})

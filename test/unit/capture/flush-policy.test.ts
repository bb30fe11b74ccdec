import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import {
  flushIn,
  heartbeatIn,
  isFull,
  type BatchFacts,
  type FlushLimits,
  type IdleFacts,
} from '../../../src/capture/flush-policy.ts'
import { lsn } from '../../../src/core/lsn.ts'

const LIMITS: FlushLimits = { everyMs: 1000, rows: 100, bytes: 5000, heartbeatMs: 10_000 }

describe('a batch', () => {
  const cases: [name: string, batch: BatchFacts, isDueIn: number, full: boolean][] = [
    ['with nothing in it is never due', { rows: 0, bytes: 0, ageMs: null }, Infinity, false],
    ['that is new has all its time', { rows: 1, bytes: 9, ageMs: 0 }, 1000, false],
    ['has what is left of its time', { rows: 1, bytes: 9, ageMs: 400 }, 600, false],
    ['is due at its time', { rows: 1, bytes: 9, ageMs: 1000 }, 0, false],
    ['is due after its time, and not before now', { rows: 1, bytes: 9, ageMs: 5000 }, 0, false],
    ['of load entries alone is due at its time too', { rows: 0, bytes: 0, ageMs: 1000 }, 0, false],
    ['one row short of full is not', { rows: 99, bytes: 4999, ageMs: 0 }, 1000, false],
    ['is due when it has all the rows', { rows: 100, bytes: 9, ageMs: 0 }, 0, true],
    ['is due when it has all the bytes', { rows: 1, bytes: 5000, ageMs: 0 }, 0, true],
    ['is full whatever its age is', { rows: 100, bytes: 9, ageMs: null }, Infinity, true],
    [
      'waits until the last one is paid for',
      { rows: 1, bytes: 9, ageMs: 5000, pauseMs: 700 },
      700,
      false,
    ],
    [
      'waits its own time where that is longer',
      { rows: 1, bytes: 9, ageMs: 0, pauseMs: 700 },
      1000,
      false,
    ],
    ['that is full waits for nothing', { rows: 100, bytes: 9, ageMs: 0, pauseMs: 700 }, 0, true],
    ['is young if the clock went back', { rows: 1, bytes: 9, ageMs: -50 }, 1050, false],
  ]
  for (const [name, batch, isDueIn, full] of cases) {
    test(name, () => {
      assert.equal(flushIn(batch, LIMITS), isDueIn)
      assert.equal(isFull(batch, LIMITS), full)
    })
  }
})

describe('a heartbeat', () => {
  const idle: IdleFacts = {
    heard: lsn(200n),
    confirmed: lsn(100n),
    isQuiet: true,
    sinceLastManifestMs: 0,
    wanted: null,
  }
  const cases: [name: string, facts: Partial<IdleFacts>, isDueIn: number][] = [
    ['waits for its time after the last manifest', { sinceLastManifestMs: 4000 }, 6000],
    ['is due at its time', { sinceLastManifestMs: 10_000 }, 0],
    ['is due after its time', { sinceLastManifestMs: 99_000 }, 0],
    [
      'never goes where the log is already',
      { heard: lsn(100n), sinceLastManifestMs: 1e6 },
      Infinity,
    ],
    ['never goes back', { heard: lsn(99n), sinceLastManifestMs: 1e6 }, Infinity],
    ['is not for a stream that is busy', { isQuiet: false, sinceLastManifestMs: 1e6 }, Infinity],
    ['is due at once where somebody waits for it', { wanted: lsn(200n) }, 0],
    ['waits when the server is not yet where one waits for', { wanted: lsn(201n) }, 10_000],
    ['does not hurry for who has what he wanted', { wanted: lsn(100n) }, 10_000],
    ['does not hurry into a busy stream', { wanted: lsn(150n), isQuiet: false }, Infinity],
  ]
  for (const [name, facts, isDueIn] of cases) {
    test(name, () => assert.equal(heartbeatIn({ ...idle, ...facts }, LIMITS), isDueIn))
  }
})

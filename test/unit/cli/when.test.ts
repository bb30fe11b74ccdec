import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { parseMoment } from '../../../src/cli/when.ts'
import { lsn } from '../../../src/core/lsn.ts'

/** 2026-11-23 10:00:00 UTC, and the same in microseconds since 2000. */
const NOW = 1_795_428_000_000
const NOON = 848_743_200_000_000n
const DAY = 86_400_000_000n

describe('a time', () => {
  const cases: readonly (readonly [text: string, at: bigint])[] = [
    ['2026-11-23T10:00:00Z', NOON],
    ['2026-11-23 10:00:00', NOON],
    ['2026-11-23T10:00', NOON],
    ['2026-11-23', NOON - 36_000_000_000n],
    ['2026-11-23T11:00:00+01:00', NOON],
    ['2026-11-23 15:30:00+0530', NOON],
    ['2026-11-23 08:00:00-02', NOON],
    ['2026-11-23T10:00:00.000001Z', NOON + 1n],
    ['2026-11-23T10:00:00.25', NOON + 250_000n],
    ['0s', NOON],
    ['90m', NOON - 5_400_000_000n],
    ['2d', NOON - 2n * DAY],
  ]
  for (const [text, at] of cases) {
    test(`is ${text}`, () => {
      assert.deepEqual(parseMoment('--to', text, NOW), { type: 'time', at })
    })
  }

  test('may be an LSN', () => {
    const moment = { type: 'lsn', lsn: lsn(0x16_b375_1120n) }
    assert.deepEqual(parseMoment('--to', '16/b3751120', NOW), moment)
  })

  test('may be left out', () => {
    assert.equal(parseMoment('--to', null, NOW), null)
  })

  for (const text of ['', 'now', '12', '10:00', '2026-13-01', '2026-11-23T25:00', '2 h', '16/XY']) {
    test(`is not "${text}"`, () => {
      assert.throws(() => parseMoment('--to', text, NOW), { code: 'USAGE', message: /--to: / })
    })
  }
})

/** Commit times as the lake writes them. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import fc from 'fast-check'

import {
  CommitTimeText,
  formatCommitTime,
  parseCommitTime,
} from '../../../../src/lake/codecs/commit-time.ts'

/** The years 1 to 9999; PostgreSQL would have to be very old or very patient to need others. */
const time = fc.bigInt(-63_082_281_600_000_000n, 252_455_615_999_999_999n)

describe('a commit time', () => {
  const cases = [
    [0n, '2000-01-01 00:00:00.000000'],
    [1n, '2000-01-01 00:00:00.000001'],
    [-1n, '1999-12-31 23:59:59.999999'],
    [-946_684_800_000_000n, '1970-01-01 00:00:00.000000'],
    [848_743_872_123_456n, '2026-11-23 10:11:12.123456'],
    [252_455_615_999_999_999n, '9999-12-31 23:59:59.999999'],
  ] as const

  for (const [micros, text] of cases) {
    test(`${micros} is ${text}`, () => {
      assert.equal(formatCommitTime(micros), text)
      assert.equal(parseCommitTime(text), micros)
    })
  }

  test('comes back from its text', () => {
    fc.assert(
      fc.property(time, (micros) => {
        assert.equal(parseCommitTime(formatCommitTime(micros)), micros)
      }),
    )
  })

  const refused = [
    '', '2026-11-23', '2026-11-23 10:11:12', '2026-11-23T10:11:12.123456',
    '2026-13-23 10:11:12.123456', '2026-11-23 25:11:12.123456', '2026-11-23 10:11:12.123456+00',
  ] // prettier-ignore

  for (const text of refused) {
    test(`"${text}" is none`, () => assert.equal(parseCommitTime(text), null))
  }
})

describe('the text of one time after the other', () => {
  test('is that of each alone', () => {
    const near = fc.array(fc.tuple(time, fc.array(fc.integer({ min: -3e6, max: 3e6 }))))
    fc.assert(
      fc.property(near, (all) => {
        const text = new CommitTimeText()
        for (const [first, steps] of all) {
          for (const micros of [first, ...steps.map((step) => first + BigInt(step))]) {
            text.set(micros)
            assert.equal(text.bytes.toString(), `,${formatCommitTime(micros)},`)
          }
        }
      }),
    )
  })
})

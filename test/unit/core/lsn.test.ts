/** Log sequence numbers, as text and as numbers. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import fc from 'fast-check'

import { formatLsn, lsn, maxLsn, parseLsn } from '../../../src/core/lsn.ts'

describe('an LSN', () => {
  const cases = [
    // text             number
    ['0/0', 0n],
    ['0/1', 1n],
    ['1/0', 0x1_0000_0000n],
    ['16/B374D848', 0x16_b374_d848n],
    ['FFFFFFFF/FFFFFFFF', 0xffff_ffff_ffff_ffffn],
  ] as const

  for (const [text, number] of cases) {
    test(`${text} is ${number}`, () => {
      assert.equal(parseLsn(text), number)
      assert.equal(formatLsn(lsn(number)), text)
    })
  }

  test('is read in lower case too', () => {
    assert.equal(parseLsn('16/b374d848'), 0x16_b374_d848n)
  })

  for (const text of [
    '',
    '16',
    '16/',
    '/1',
    '0/1/2',
    '0/G',
    '123456789/0',
    '0x1/0',
    ' 0/1',
    '0/1\n',
  ]) {
    test(`${JSON.stringify(text)} is refused`, () => {
      assert.throws(() => parseLsn(text), { code: 'LSN_MALFORMED' })
    })
  }

  test('comes back from its text', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 2n ** 64n - 1n), (number) => {
        assert.equal(parseLsn(formatLsn(lsn(number))), number)
      }),
    )
  })

  test('is compared as a number, not as text', () => {
    assert.equal(maxLsn(parseLsn('9/0'), parseLsn('10/0')), parseLsn('10/0'))
    assert.equal(maxLsn(parseLsn('10/0'), parseLsn('9/0')), parseLsn('10/0'))
  })
})

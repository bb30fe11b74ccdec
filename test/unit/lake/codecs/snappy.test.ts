/** Snappy, unpacked again by the reader of another project. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import fc from 'fast-check'
import { snappyUncompress } from 'hyparquet'

import { compressSnappy } from '../../../../src/lake/codecs/snappy.ts'

const RUNS = { numRuns: Number(process.env['FC_RUNS'] ?? 100) }

function unpacked(packed: Uint8Array, length: number): Buffer {
  const output = Buffer.alloc(length)
  snappyUncompress(packed, output)
  return output
}

describe('what was compressed', () => {
  test('is unpacked to the same, whatever it is', () => {
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.tuple(fc.nat(255), fc.nat(3000)).map(([byte, n]) => new Uint8Array(n).fill(byte)),
      fc.constantFrom('abcd', 'customer', '2026-11-23 10:11:12').map((one) => Buffer.from(one)),
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), fc.nat(3), (pieces, times) => {
        const once = Buffer.concat(pieces)
        const input = Buffer.concat(Array.from({ length: times + 1 }, () => once))
        assert.ok(unpacked(compressSnappy(input), input.length).equals(input))
      }),
      RUNS,
    )
  })

  const repeated = Buffer.from('0123456789abcdef'.repeat(20_000))
  const noise = Buffer.alloc(200_000)
  for (let i = 0; i < noise.length; i++) noise[i] = Math.imul(i * i, 0x9e37_79b1) >>> 24
  const cases: [name: string, input: Buffer][] = [
    ['nothing', Buffer.alloc(0)],
    ['one byte', Buffer.of(7)],
    ['fewer bytes than are looked at', Buffer.from('aaaaaaaaaaaaaa')],
    ['one byte many times, over the border of a block', Buffer.alloc(150_000, 1)],
    ['a text many times', repeated],
    ['what repeats nothing', noise],
    ['bytes in the middle of others', repeated.subarray(3, 70_001)],
  ]
  for (const [name, input] of cases) {
    test(`is unpacked to the same: ${name}`, () => {
      assert.ok(unpacked(compressSnappy(input), input.length).equals(input))
    })
  }

  test('is small where it repeats itself', () => {
    assert.ok(compressSnappy(repeated).length < repeated.length / 15)
  })
})

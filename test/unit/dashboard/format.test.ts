import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { ago, bytes, duration, short, whole, withoutZeros } from '../../../dashboard/src/format.ts'

describe('figures of the dashboard', () => {
  const cases: [string, string][] = [
    [whole(1_234_567), '1,234,567'],
    [short(0), '0'],
    [short(987), '987'],
    [short(999.6), '1.00 k'],
    [short(12_345), '12.3 k'],
    [short(4_560_000), '4.56 M'],
    [bytes(512), '512 B'],
    [bytes(1_572_864), '1.50 MiB'],
    [duration(0.01), '0 s'],
    [duration(0.42), '0.4 s'],
    [duration(12.4), '12 s'],
    [duration(301), '5 min'],
    [duration(7800), '2 h 10 min'],
    [duration(273_600), '3 d 4 h'],
    [ago(0, 1500), 'just now'],
    [ago(0, 5900), '5 s ago'],
    [ago(0, 600_000), '10 min ago'],
    [withoutZeros('40.0 k'), '40 k'],
    [withoutZeros('1.50 k'), '1.50 k'],
  ]
  for (const [actual, expected] of cases) {
    test(expected, () => {
      assert.equal(actual, expected)
    })
  }
})

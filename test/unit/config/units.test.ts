/** Durations, sizes and counts as they are written. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import fc from 'fast-check'

import { bytes, count, duration, parseBytes, parseDuration } from '../../../src/config/units.ts'

describe('a duration', () => {
  const cases = [
    ['100ms', 100],
    ['5s', 5000],
    ['1.5s', 1500],
    ['1m', 60_000],
    ['12h', 43_200_000],
    ['400d', 34_560_000_000],
    ['0s', 0],
  ] as const
  for (const [text, ms] of cases) {
    test(`${text} is ${ms} ms`, () => assert.equal(parseDuration(text), ms))
  }

  for (const text of ['', '5', 's', '5 s', '-5s', '5S', '5sec', '1e3s', '5s ', '9999999999999d']) {
    test(`"${text}" is refused`, () => assert.equal(parseDuration(text), null))
  }

  test('any whole number of seconds is read exactly', () => {
    const seconds = fc.nat()
    fc.assert(fc.property(seconds, (n) => parseDuration(`${n}s`) === n * 1000))
  })
})

describe('a size', () => {
  const cases = [
    ['0B', 0],
    ['512B', 512],
    ['64KiB', 65_536],
    ['64MiB', 67_108_864],
    ['64 MiB', 67_108_864],
    ['0.5GiB', 536_870_912],
    ['50GiB', 53_687_091_200],
    ['1TiB', 1_099_511_627_776],
  ] as const
  for (const [text, size] of cases) {
    test(`${text} is ${size} bytes`, () => assert.equal(parseBytes(text), size))
  }

  for (const text of ['', '64', 'MiB', '64MB', '64mib', '64M', '-1B', '99999TiB']) {
    test(`"${text}" is refused`, () => assert.equal(parseBytes(text), null))
  }
})

describe('a value in the schema', () => {
  const cases = [
    [duration(), 5, 'expected a duration such as 100ms, 5s, 1m or 12h: the number needs a unit'],
    [duration(), '5x', 'expected a duration such as 100ms, 5s, 1m or 12h, found "5x"'],
    [duration(), '0s', '"0s" is too small'],
    [duration(100), '99ms', '"99ms" is too small'],
    [bytes(), 64, 'expected a size such as 512KiB, 64MiB or 50GiB: the number needs a unit'],
    [bytes(), null, 'expected a size such as 512KiB, 64MiB or 50GiB'],
    [bytes(), '0B', '"0B" is too small'],
  ] as const
  for (const [schema, input, message] of cases) {
    test(`is refused: ${String(input)}: ${message}`, () => {
      assert.equal(schema.safeParse(input).error?.issues[0]?.message, message)
    })
  }

  test('may be zero where that means something', () => {
    assert.equal(duration(0).parse('0s'), 0)
  })

  const counts = [
    [100_000, 100_000],
    ['100_000', 100_000],
    ['7', 7],
    ['1__0', null],
    ['_1', null],
    ['', null],
    ['1.5', null],
    [1.5, null],
    [0, null],
    [1_000_001, null],
  ] as const
  for (const [input, expected] of counts) {
    test(`a count written as ${JSON.stringify(input)} is ${expected ?? 'refused'}`, () => {
      const result = count({ min: 1, max: 1_000_000 }).safeParse(input)
      assert.equal(result.data ?? null, expected)
    })
  }
})

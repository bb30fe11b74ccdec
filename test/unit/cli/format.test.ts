/** Numbers, bars and tables as people read them. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'

import fc from 'fast-check'

import { alignTable, formatCount, formatRate, progressBar } from '../../../src/cli/format.ts'
import { painter } from '../../../src/cli/paint.ts'
import { formatBytes, formatDuration } from '../../../src/core/quantity.ts'

describe('a count', () => {
  const cases = [
    [0, '0'],
    [999, '999'],
    [1000, '1,000'],
    [1_234_567, '1,234,567'],
    [12.6, '13'],
  ] as const
  for (const [count, text] of cases) {
    test(`of ${count} is ${text}`, () => assert.equal(formatCount(count), text))
  }

  test('keeps all its digits', () => {
    const isKept = (n: number) => formatCount(n).replaceAll(',', '') === String(n)
    fc.assert(fc.property(fc.nat(), isKept))
  })

  test('of a second is a rate', () => assert.equal(formatRate(12_300.4), '12,300 rows/s'))
})

describe('a size', () => {
  const cases = [
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 KiB'],
    [1024, '1.0 KiB'],
    [1536, '1.5 KiB'],
    [102_400, '100 KiB'],
    [1_023_900, '1.0 MiB'],
    [67_108_864, '64.0 MiB'],
    [1_288_490_189, '1.2 GiB'],
    [1024 ** 5, '1024 TiB'],
  ] as const
  for (const [bytes, text] of cases) {
    test(`of ${bytes} bytes is ${text}`, () => assert.equal(formatBytes(bytes), text))
  }
})

describe('a duration', () => {
  const cases = [
    [0, '0 ms'],
    [850, '850 ms'],
    [999.6, '1.0 s'],
    [4240, '4.2 s'],
    [9960, '10 s'],
    [59_400, '59 s'],
    [59_600, '1 min'],
    [200_000, '3 min 20 s'],
    [3_600_000, '1 h'],
    [7_500_000, '2 h 5 min'],
    [86_400_000, '1 d'],
    [273_600_000, '3 d 4 h'],
  ] as const
  for (const [ms, text] of cases) {
    test(`of ${ms} ms is ${text}`, () => assert.equal(formatDuration(ms), text))
  }
})

describe('a progress bar', () => {
  const cases = [
    [0, '░░░░░░░   0 %'],
    [0.57, '███░░░░  57 %'],
    [0.999, '██████░  99 %'],
    [1, '███████ 100 %'],
    [7, '███████ 100 %'],
    [-1, '░░░░░░░   0 %'],
  ] as const
  for (const [fraction, bar] of cases) {
    test(`at ${fraction} is ${bar}`, () => assert.equal(progressBar(fraction, 7), bar))
  }
})

describe('a table', () => {
  const columns = [
    { title: 'TABLE', align: 'left' },
    { title: 'ROWS', align: 'right' },
    { title: 'NOTE', align: 'left' },
  ] as const

  test('is aligned, without spaces at the ends of lines', () => {
    assert.equal(
      alignTable(columns, [
        ['app.orders', '1,234,567', ''],
        ['a', '7', 'new'],
      ]),
      'TABLE            ROWS  NOTE\napp.orders  1,234,567\na                   7  new\n',
    )
  })

  test('has its title line even when it is empty', () => {
    assert.equal(alignTable(columns, []), 'TABLE  ROWS  NOTE\n')
  })

  test('is aligned by what is seen of coloured cells', () => {
    const paint = painter(true)
    const rows = [
      [paint('red', 'x'), '1', 'b'],
      ['longer', '22', paint('dim', 'c')],
    ]
    const plain = rows.map((cells) => cells.map(stripVTControlCharacters))
    const coloured = alignTable(columns, rows)
    assert.notEqual(coloured, alignTable(columns, plain))
    assert.equal(stripVTControlCharacters(coloured), alignTable(columns, plain))
  })
})

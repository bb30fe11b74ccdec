import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { cpuRatio, interleave, quantile, speedRatio } from '../../../bench/measurement.ts'
import { readOptions } from '../../../bench/options.ts'
import { markdownTable, type Report } from '../../../bench/report.ts'
import { withSection } from '../../../bench/results.ts'

const took = (seconds: number, cpuSeconds: number | null = null) => ({
  rows: 1,
  seconds,
  cpuSeconds,
  peakRss: null,
})

describe('a ratio', () => {
  test('is the median of those within the rounds, so that a slow round spoils nothing', () => {
    const floor = { name: 'floor', rounds: [took(10), took(40), took(10)] }
    const ours = { name: 'ours', rounds: [took(8), took(20), took(10)] }
    assert.equal(speedRatio(ours, floor), 1.25)
  })

  test('is unknown where the system does not tell', () => {
    const series = { name: 'any', rounds: [took(1)] }
    assert.ok(Number.isNaN(cpuRatio(series, series)))
  })
})

for (const [q, expected] of [
  [0, 1],
  [0.5, 2.5],
  [0.25, 1.75],
  [1, 4],
] as const) {
  test(`the quantile ${q} of 1 to 4 is ${expected}`, () => {
    assert.equal(quantile([4, 2, 3, 1], q), expected)
  })
}

test('each round begins with another contender', async () => {
  const order: string[] = []
  const contender = (name: string) =>
    [
      name,
      async (round: number) => {
        order.push(`${name}${round}`)
        return took(1)
      },
    ] as const
  await interleave([contender('a'), contender('b')], 2, () => {})
  assert.deepEqual(order, ['a0', 'b0', 'b1', 'a1'])
})

describe('the file of results', () => {
  const report = (title: string): Report => ({
    name: 'load',
    title,
    how: 'How.',
    figures: [],
    table: [],
  })

  test('gets a section at its end', () => {
    const text = withSection('# Results\n', report('Loading'), 'a machine')
    assert.match(text, /^# Results\n\n<!-- begin load -->\n\n## Loading\n\na machine\n/)
  })

  test('keeps all other text where a section is replaced', () => {
    const before = `${withSection('# Results\n', report('Old'), 'a machine')}\nWritten by hand.\n`
    const after = withSection(before, report('New'), 'a machine')
    assert.equal(after, before.replace('## Old', '## New'))
  })
})

test('a table has columns as wide as their widest cell', () => {
  const table = markdownTable([
    ['', 'speed'],
    ['floor', '1x'],
  ])
  assert.equal(table, '|       | speed |\n| ----- | ----- |\n| floor | 1x    |')
})

describe('the options', () => {
  test('are those of a full run if nothing is said', () => {
    const options = readOptions([])!
    assert.deepEqual([options.rounds, options.rows, options.isKept], [3, 1_000_000, true])
  })

  test('of a quick run are small and put nothing down', () => {
    const options = readOptions(['--quick', '--rows', '5000'])!
    assert.deepEqual([options.rounds, options.rows, options.isKept], [1, 5_000, false])
  })

  for (const [args, complaint] of [
    [['--only', 'sleep'], /no benchmark sleep/],
    [['--rounds', '0'], /--rounds: not a count: 0/],
    [['--rows', 'many'], /--rows: not a count: many/],
  ] as const) {
    test(`refuse ${args.join(' ')}`, () => {
      assert.throws(() => readOptions(args), complaint)
    })
  }
})

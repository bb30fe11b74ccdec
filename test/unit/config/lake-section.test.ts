/** What a configuration says of the files of the lake. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { lakeSection } from '../../../src/config/lake-section.ts'

function problems(section: unknown): string[] {
  const { error } = lakeSection.safeParse(section)
  return (error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`)
}

describe('the limit of PUTs', () => {
  const cases: [given: number | undefined, refusal: string | null][] = [
    [undefined, null],
    [10, null],
    [0.5, null],
    [0, 'flush.putsPerSecond: expected a number above 0'],
    [-1, 'flush.putsPerSecond: expected a number above 0'],
  ]
  for (const [putsPerSecond, refusal] of cases) {
    test(`${refusal ? 'may not' : 'may'} be ${putsPerSecond ?? 'left out'}`, () => {
      const found = problems({ url: './lake', flush: { putsPerSecond } })
      assert.deepEqual(found, refusal === null ? [] : [refusal])
    })
  }
})

describe('the format of the lake', () => {
  test('is csv.gz if nothing is said', () => {
    assert.equal(lakeSection.parse({ url: './lake' }).format, 'csv.gz')
  })

  test('may be parquet, plain, with arrays as JSON and an error for what does not fit', () => {
    const { format, parquet } = lakeSection.parse({ url: './lake', format: 'parquet' })
    assert.equal(format, 'parquet')
    assert.deepEqual(parquet, { arrays: 'json', types: 'plain', unfit: 'error' })
  })

  test('may be parquet in another way', () => {
    const parquet = { arrays: 'lists', types: 'full', unfit: 'clamp' }
    const section = { url: './lake', format: 'parquet', parquet }
    assert.deepEqual(lakeSection.parse(section).parquet, parquet)
  })

  const refused: [name: string, section: Record<string, unknown>, problem: RegExp][] = [
    ['settings of Parquet for CSV', { parquet: { unfit: 'null' } }, /^parquet: is only for format/],
    ['an unknown policy', { format: 'parquet', parquet: { unfit: 'ignore' } }, /^parquet\.unfit: /],
    ['an unknown format', { format: 'avro' }, /^format: /],
  ]
  for (const [name, section, problem] of refused) {
    test(`is refused with ${name}`, () => {
      const [found = ''] = problems({ url: './lake', ...section })
      assert.match(found, problem)
    })
  }
})

/** CSV files of the lake, read back: what the encoder wrote, what PostgreSQL writes, and damaged ones. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import fc from 'fast-check'

import { BlockPool, ChangeLog } from '../../../../src/core/change-log.ts'
import { lsn } from '../../../../src/core/lsn.ts'
import type { Shape } from '../../../../src/core/table.ts'
import { encodeChanges, encodeHeader, loadPrefix } from '../../../../src/lake/codecs/csv-encoder.ts'
import { CsvRows } from '../../../../src/lake/codecs/csv-rows.ts'
import { readChanges, readLoad } from '../../../../src/lake/codecs/row-reader.ts'
import {
  changesOf,
  logOf,
  shapeOf,
  UNCHANGED,
  valuesOf,
  type TestChange,
  type Value,
} from '../../../support/tuples.ts'

const RUNS = { numRuns: Number(process.env['FC_RUNS'] ?? 100) }

/** Cuts a file at the places given. */
async function* pieces(file: Buffer, places: readonly number[] = []): AsyncGenerator<Buffer> {
  let from = 0
  for (const place of [...places.toSorted((a, b) => a - b), file.length]) {
    const to = Math.min(place, file.length)
    yield file.subarray(from, to)
    from = to
  }
}

async function decode(shape: Shape, file: Buffer | string, places?: readonly number[]) {
  const log = new ChangeLog(new BlockPool())
  const counts = await readChanges(pieces(Buffer.from(file), places), new CsvRows(shape), log)
  return { counts, changes: changesOf(log) }
}

describe('a file that was encoded', () => {
  const byte = fc.constantFrom(0x22, 0x2c, 0x0a, 0x0d, 0x00, 0x61, 0x7e, 0xff)
  const bytes = fc.oneof(
    fc.array(byte, { maxLength: 6 }).map((all) => Buffer.from(all)),
    fc.uint8Array({ maxLength: 100 }).map((all) => Buffer.from(all)),
  )
  const value: fc.Arbitrary<Value> = fc.oneof(bytes, fc.constantFrom(null, UNCHANGED))
  const name = fc.string({
    unit: fc.constantFrom('a', 'B', ',', '~', '"', '\n', ' '),
    minLength: 1,
  })

  /** Columns with their places on the wire; some were dropped. */
  const shape = fc
    .uniqueArray(name, { minLength: 1, maxLength: 6 })
    .chain((names) =>
      fc.tuple(
        fc.constant(names),
        fc.array(fc.nat(3), { minLength: names.length, maxLength: names.length }),
        fc.shuffledSubarray([0, 1, 2, 3, 4, 5], { minLength: 6, maxLength: 6 }),
      ),
    )
    .map(([names, fates, ranks]): Shape => {
      const isLive = fates.map((fate) => fate > 0)
      const order = ranks.filter((column) => isLive[column] ?? false)
      const base = shapeOf(names)
      const columns = base.columns.map((column, i) => {
        return { ...column, name: names[i]!, wire: isLive[i] ? order.indexOf(i) : null }
      })
      return { ...base, columns }
    })

  const change = fc.record({
    op: fc.constantFrom('insert', 'update', 'delete', 'truncate'),
    lsn: fc.oneof(fc.constantFrom(5n, 6n), fc.bigInt(0n, 2n ** 64n - 1n)),
    committedAt: fc.bigInt(-(10n ** 15n), 10n ** 16n),
    ordinal: fc.integer({ min: 1, max: 2 ** 48 - 1 }),
    values: fc.array(value, { minLength: 6, maxLength: 6 }),
  })

  /** Of the six values drawn, those that the wire has, and where the lake has them. */
  function onWire({ columns }: Shape, drawn: readonly Value[]): Value[] {
    return drawn.slice(0, columns.filter(({ wire }) => wire !== null).length)
  }

  function inLake({ columns }: Shape, drawn: readonly Value[]): Value[] {
    return columns.map(({ wire }) => (wire === null ? null : drawn[wire]!))
  }

  test('is decoded to the same, wherever it is cut', async () => {
    const inputs = [shape, fc.array(change, { maxLength: 10 }), fc.array(fc.nat(900))] as const
    await fc.assert(
      fc.asyncProperty(...inputs, async (table, drawn, places) => {
        const align = (to: typeof onWire): TestChange[] =>
          drawn.map((one) => ({
            ...one,
            values: one.op === 'truncate' ? [] : to(table, one.values),
          }))
        const file = encodeChanges({ shape: table, changes: logOf(align(onWire)) }, 1)
        const { changes } = await decode(table, Buffer.concat([...file]), places)
        assert.deepEqual(changes, align(inLake))
      }),
      RUNS,
    )
  })

  test('is counted by what happened, and by rows that have unchanged values', async () => {
    const at = { lsn: 1n, ordinal: 2 }
    const log = logOf([
      { ...at, op: 'insert', values: ['1', 'a'] },
      { ...at, op: 'update', values: ['1', UNCHANGED] },
      { ...at, op: 'update', values: ['1', 'b'] },
      { ...at, op: 'delete', values: ['1', null] },
      { ...at, op: 'truncate', values: [] },
    ])
    const table = shapeOf(['id', 'note'])
    const file = Buffer.concat([...encodeChanges({ shape: table, changes: log }, 1)])
    const { counts } = await decode(table, file)
    assert.deepEqual(counts, { i: 1, u: 2, d: 1, t: 1, unchanged: 1 })
  })

  test('holds values that are larger than any block', async () => {
    const table = shapeOf(['id', 'large'])
    const values = ['1', Buffer.alloc(1_000_000, 'x"')]
    const changes: TestChange[] = [{ op: 'insert', lsn: 1n, ordinal: 2, values }]
    const file = Buffer.concat([...encodeChanges({ shape: table, changes: logOf(changes) }, 1)])
    const decoded = await decode(table, file, [100, 300_000])
    assert.deepEqual(decoded.changes[0]!.values[1], values[1])
  })
})

describe('a damaged file', () => {
  const shape = shapeOf(['id', 'note', '-old'])
  const header = encodeHeader(shape).toString()
  const time = '2026-11-23 10:11:12.123456'

  const cases: [name: string, file: string][] = [
    ['without a byte', ''],
    ['with half a header', header.slice(0, -1)],
    ['with the header of another shape', header.replace('note', 'text')],
    ['with a column too few', header.replace(',old', '')],
    ['with an unknown Op', `${header}X,1,2,2,${time},,1,a,\n`],
    ['without an Op', `${header},1,2,2,${time},,1,a,\n`],
    ['with an LSN that is none', `${header}I,1,0/2,2,${time},,1,a,\n`],
    ['without an LSN', `${header}I,1,,2,${time},,1,a,\n`],
    ['with an LSN of more than 64 bits', `${header}I,1,18446744073709551616,2,${time},,1,a,\n`],
    ['with an ordinal that is none', `${header}I,1,2,2.5,${time},,1,a,\n`],
    ['without an ordinal', `${header}I,1,2,,${time},,1,a,\n`],
    ['with a time that is none', `${header}I,1,2,2,yesterday,,1,a,\n`],
    ['without a time', `${header}I,1,2,2,,,1,a,\n`],
    ['with an unknown column in the list', `${header}U,1,2,2,${time},text,1,,\n`],
    ['with a dropped column in the list', `${header}U,1,2,2,${time},old,1,a,\n`],
    ['with a value in an unchanged column', `${header}U,1,2,2,${time},note,1,a,\n`],
    ['with a value in a dropped column', `${header}I,1,2,2,${time},,1,a,b\n`],
    ['with a line cut off', `${header}I,1,2,2,${time},,1,a,\nI,1,2,4,${time},,2,"a`],
    ['with an empty line', `${header}\n`],
  ]

  for (const [name, file] of cases) {
    test(`${name} is refused`, async () => {
      await assert.rejects(decode(shape, file), { code: 'LAKE_DAMAGED' })
    })
  }

  test('whose header alone is there is a file without changes', async () => {
    assert.deepEqual((await decode(shape, header)).changes, [])
  })
})

describe('a part of a load', () => {
  const shape = shapeOf(['id', 'note', '-old', 'more'])
  const prefix = loadPrefix({ order: 1, lsn: lsn(2n), committedAt: 0n }).toString()

  function part(lines: readonly string[]): Buffer {
    return Buffer.from(encodeHeader(shape).toString() + lines.map((line) => prefix + line).join(''))
  }

  async function load(file: Buffer, places?: readonly number[]) {
    const rows: ReturnType<typeof valuesOf>[] = []
    let blocks = 0
    for await (const { bytes, starts } of readLoad(pieces(file, places), new CsvRows(shape))) {
      blocks++
      assert.equal(starts.at(-1), bytes.length)
      for (const start of starts.slice(0, -1)) rows.push(valuesOf(bytes, start))
    }
    return { rows, blocks }
  }

  test('is read as PostgreSQL writes it', async () => {
    const lines = [
      '1,plain,,x\n',
      '2,,,""\n',
      '3,"a ""b"", c",,"\\."\n',
      '4,"two\nlines",,"carriage\rreturn"\n',
      '5, spaces ,,größe 🧵\n',
    ]
    assert.deepEqual((await load(part(lines))).rows, [
      ['1', 'plain', null, 'x'],
      ['2', null, null, ''],
      ['3', 'a "b", c', null, '\\.'],
      ['4', 'two\nlines', null, 'carriage\rreturn'],
      ['5', ' spaces ', null, 'größe 🧵'],
    ])
  })

  test('comes in many blocks, none of which cuts a row', async () => {
    const lines = Array.from({ length: 3000 }, (_, i) => `${i},${'x'.repeat(i)},,\n`)
    const { rows, blocks } = await load(part(lines), [10, 1000, 1_000_000])
    assert.ok(blocks > 10)
    assert.equal(rows.length, 3000)
    assert.ok(rows.every(([id, note], i) => id === String(i) && (note ?? '') === 'x'.repeat(i)))
  })

  test('may hold a row that is larger than a block', async () => {
    const lines = ['1,a,,\n', `2,${'x'.repeat(600_000)},,\n`, '3,b,,\n']
    const { rows } = await load(part(lines))
    assert.deepEqual(rows.map(([id, note]) => [id, note?.toString().length]), [['1', 1], ['2', 600_000], ['3', 1]]) // prettier-ignore
  })

  test('without rows has no blocks', async () => {
    assert.deepEqual(await load(part([])), { rows: [], blocks: 0 })
  })

  test('that has anything but inserts is refused', async () => {
    const file = Buffer.from(part(['1,a,,\n']).toString().replace('\nI,', '\nU,'))
    await assert.rejects(load(file), { code: 'LAKE_DAMAGED' })
  })
})

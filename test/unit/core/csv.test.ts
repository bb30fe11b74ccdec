/** CSV on bytes: how it is written, and how it is read from pieces cut anywhere. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import fc from 'fast-check'

import { CsvReader } from '../../../src/core/csv-reader.ts'
import { CsvWriter } from '../../../src/core/csv.ts'

type Field = Buffer | null

const RUNS = { numRuns: Number(process.env['FC_RUNS'] ?? 100) }

function write(records: readonly (readonly Field[])[]): Buffer[] {
  const writer = new CsvWriter()
  for (const record of records) {
    for (const [i, field] of record.entries()) {
      if (i > 0) writer.comma()
      if (field !== null) writer.field(field, 0, field.length)
    }
    writer.rowEnd()
  }
  return [...writer.takeAll()]
}

function text(field: string | null): string {
  return Buffer.concat(write([[field === null ? null : Buffer.from(field)]])).toString()
}

function read(columns: number, chunks: readonly Uint8Array[]): Field[][] {
  const reader = new CsvReader(columns)
  const records: Field[][] = []
  for (const chunk of chunks) {
    reader.push(chunk)
    while (reader.next()) {
      const fields = Array.from({ length: columns }, (_, i) =>
        reader.isNull(i)
          ? null
          : Buffer.from(reader.bytes.subarray(reader.start(i), reader.end(i))),
      )
      records.push(fields)
    }
  }
  reader.finish()
  return records
}

function parse(columns: number, csv: string): (string | null)[][] {
  return read(columns, [Buffer.from(csv)]).map((record) =>
    record.map((field) => field?.toString() ?? null),
  )
}

describe('a field', () => {
  const cases: [value: string | null, written: string][] = [
    [null, ''],
    ['', '""'],
    ['plain', 'plain'],
    [' spaces ', ' spaces '],
    ['a,b', '"a,b"'],
    ['say "yes"', '"say ""yes"""'],
    ['"', '""""'],
    ['two\nlines', '"two\nlines"'],
    ['two\r\nlines', '"two\r\nlines"'],
    ['tab\tand ; and \\N', 'tab\tand ; and \\N'],
    ['größe 🧵', 'größe 🧵'],
    ['x'.repeat(70_000), 'x'.repeat(70_000)],
    [`${'x'.repeat(70_000)},`, `"${'x'.repeat(70_000)},"`],
    ['"'.repeat(70_000), `"${'"'.repeat(140_000)}"`],
  ]

  for (const [value, written] of cases) {
    test(`${JSON.stringify(value)?.slice(0, 30)} is written as ${written.slice(0, 30)}`, () => {
      assert.equal(text(value), `${written}\n`)
    })
  }

  test('that is known to be bare is copied as it is', () => {
    for (const value of ['1.50', '9'.repeat(100)]) {
      const writer = new CsvWriter()
      writer.field(Buffer.from(`<${value}>`), 1, 1 + value.length, true)
      assert.equal(Buffer.concat([...writer.takeAll()]).toString(), value)
    }
  })

  test('that is empty is never taken for NULL, bare or not', () => {
    const writer = new CsvWriter()
    writer.field(Buffer.alloc(0), 0, 0, true)
    assert.equal(Buffer.concat([...writer.takeAll()]).toString(), '""')
  })
})

describe('a number', () => {
  test('is written in decimal, up to 2^53', () => {
    const small = [0, 9, 10, 99, 100, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 48 - 1, 2 ** 53 - 1]
    const any = fc.oneof(fc.constantFrom(...small), fc.maxSafeNat())
    fc.assert(
      fc.property(any, (number) => {
        const writer = new CsvWriter()
        writer.integer(number)
        assert.equal(Buffer.concat([...writer.takeAll()]).toString(), String(number))
      }),
      RUNS,
    )
  })
})

describe('a writer', () => {
  test('hands out each chunk once, in order, and none larger than 256 KiB', () => {
    const writer = new CsvWriter()
    const chunks: Buffer[] = []
    let expected = ''
    for (let i = 0; i < 500; i++) {
      const value = Buffer.from(`${i}${'"'.repeat(i * 7)}`)
      writer.field(value, 0, value.length)
      writer.rowEnd()
      expected += i === 0 ? '0\n' : `"${i}${'"'.repeat(i * 14)}"\n`
      chunks.push(...writer.takeFull())
    }
    assert.ok(chunks.length > 3)
    chunks.push(...writer.takeAll())
    assert.equal(Buffer.concat(chunks).toString(), expected)
    assert.ok(chunks.every((chunk) => chunk.length > 0 && chunk.length <= 256 * 1024))
    assert.deepEqual([...writer.takeAll()], [])
  })
})

describe('a reader', () => {
  const cases: [name: string, csv: string, records: (string | null)[][]][] = [
    ['nothing at all', '', []],
    ['NULL and the empty string', ',""\n', [[null, '']]],
    ['quotes that are doubled', '"a""b",""""\n', [['a"b', '"']]],
    ['separators within quotes', '"a,b","c\nd"\n', [['a,b', 'c\nd']]],
    ['lines that end with CRLF', 'a,b\r\n"c",\r\n', [['a', 'b'], ['c', null]]],
    ['a carriage return within quotes', '"a\rb","c\r\n"\n', [['a\rb', 'c\r\n']]],
  ] // prettier-ignore

  for (const [name, csv, records] of cases) {
    test(`reads ${name}`, () => assert.deepEqual(parse(2, csv), records))

    test(`reads ${name}, byte by byte`, () => {
      const bytes = [...Buffer.from(csv)].map((byte) => Uint8Array.of(byte))
      const fields = read(2, bytes).map((record) =>
        record.map((field) => field?.toString() ?? null),
      )
      assert.deepEqual(fields, records)
    })
  }

  const damaged: [name: string, csv: string][] = [
    ['a field too few', 'a\n'],
    ['a field too many', 'a,b,c\n'],
    ['a field too many at the very end', 'a,b,\n'],
    ['an empty line', 'a,b\n\n'],
    ['a quote within a field', 'a"b,c\n'],
    ['text behind a closing quote', '"a"b,c\n'],
    ['a carriage return alone', 'a\rb,c\n'],
    ['a carriage return alone behind quotes', '"a"\r,c\n'],
    ['an end within quotes', '"a,b\n'],
    ['an end within a field', 'a,b'],
    ['an end behind a comma', 'a,b\na,'],
    ['an end behind a closing quote', 'a,"b"'],
    ['an end behind a carriage return', 'a,b\r'],
  ]

  for (const [name, csv] of damaged) {
    test(`refuses ${name}`, () => {
      assert.throws(() => parse(2, csv), { code: 'LAKE_DAMAGED' })
    })
  }

  test('says in which record the damage is', () => {
    assert.throws(() => parse(2, 'a,b\nc,d\ne\n'), { message: /^record 3: 1 fields, not 2/ })
  })

  test('reads back what was written, wherever it is cut', () => {
    const special = fc.constantFrom(0x22, 0x2c, 0x0a, 0x0d, 0x61, 0xff)
    const bytes = fc.array(special, { maxLength: 9 }).map((all) => Buffer.from(all))
    const record = fc.tuple(...Array.from({ length: 3 }, () => fc.option(bytes)))
    const cuts = fc.array(fc.nat(60), { maxLength: 5 })
    fc.assert(
      fc.property(fc.array(record, { maxLength: 8 }), cuts, (records, places) => {
        const csv = Buffer.concat(write(records))
        const ends = [...places.toSorted((a, b) => a - b), csv.length]
        const chunks = ends.map((end, i) => csv.subarray(i === 0 ? 0 : ends[i - 1], end))
        assert.deepEqual(read(3, chunks), records)
      }),
      RUNS,
    )
  })

  test('holds a record that spans many chunks', () => {
    const large = Buffer.alloc(300_000, 'ab"')
    const csv = Buffer.concat(write([[large, null], [null, large]])) // prettier-ignore
    const chunks = Array.from({ length: Math.ceil(csv.length / 1000) }, (_, i) =>
      csv.subarray(i * 1000, (i + 1) * 1000),
    )
    assert.deepEqual(read(2, chunks), [[large, null], [null, large]]) // prettier-ignore
  })
})

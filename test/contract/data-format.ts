/** What every format of data files must do: the same changes and loads come out, whatever it is. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import fc from 'fast-check'

import { BlockPool } from '../../src/core/change-log.ts'
import { lsn, ZERO_LSN } from '../../src/core/lsn.ts'
import type { ChangesEntry, LoadPartEntry } from '../../src/core/manifest.ts'
import { tableId, type Shape } from '../../src/core/table.ts'
import {
  encodeFile,
  encodeLoadPart,
  loadLines,
  type Encoding,
} from '../../src/lake/codecs/encoder.ts'
import { writeDataFile } from '../../src/lake/data-file.ts'
import { formatOf } from '../../src/lake/layout.ts'
import { LogReader } from '../../src/lake/log/log-reader.ts'
import { Shapes } from '../../src/lake/shapes.ts'
import { MemoryStore } from '../../src/storage/memory-store.ts'
import { TYPED_VALUES } from '../support/parquet-values.ts'
import {
  changesOf,
  columnsOf,
  INT8,
  logOf,
  UNCHANGED,
  type TestChange,
  type Value,
} from '../support/tuples.ts'

const RUNS = { numRuns: Math.ceil(Number(process.env['FC_RUNS'] ?? 100) / 10) }

/** A column of each type, one of them dropped, and the key last but one on the wire. */
const SHAPE: Shape = {
  table: { namespace: 'app', name: 'orders' },
  oid: 16_384,
  number: 1,
  key: [0],
  columns: [
    { name: 'id', type: INT8, wire: TYPED_VALUES.length },
    { name: 'gone', type: INT8, wire: null },
    ...TYPED_VALUES.map(({ type }, i) => ({ name: `Column ${i}`, type, wire: i })),
  ],
}
const TABLE = tableId(SHAPE.table)

export function dataFormatContract(encoding: Encoding): void {
  const { format, parquet } = encoding
  describe(`${format} ${parquet ? JSON.stringify(parquet) : ''} is a format that`, () => {
    keepsChanges(encoding)
    keepsLoads(encoding)
    isNoticedWhenDamaged(encoding)
  })
}

const row = fc.tuple(...TYPED_VALUES.map(({ text }) => fc.option(text)), fc.bigInt(0n, 99n).map(String)) // prettier-ignore

const change: fc.Arbitrary<TestChange> = fc
  .record({
    op: fc.constantFrom('insert', 'update', 'delete', 'truncate'),
    lsn: fc.oneof(fc.constantFrom(5n, 6n), fc.bigInt(0n, 2n ** 63n - 1n)),
    committedAt: fc.bigInt(-(10n ** 14n), 10n ** 16n),
    ordinal: fc.integer({ min: 1, max: 2 ** 48 - 1 }),
    row,
    unchanged: fc.subarray(TYPED_VALUES.map((_, i) => i)),
  })
  .map(({ row: texts, unchanged, ...rest }) => {
    const isTouched = (i: number): boolean => rest.op !== 'update' || !unchanged.includes(i)
    const values = texts.map((text, i) => (isTouched(i) ? text : UNCHANGED))
    return { ...rest, values: rest.op === 'truncate' ? [] : values }
  })

/** As it stands in the lake: aligned with the shape. */
function aligned(values: readonly Value[]): Value[] {
  return SHAPE.columns.map(({ wire }) => {
    const value = wire === null ? null : values[wire]!
    return typeof value === 'string' ? Buffer.from(value) : value
  })
}

function keepsChanges(encoding: Encoding): void {
  test('gives back every change, with every text as it was', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 8 }), async (changes) => {
        const lake = new Lake(encoding)
        const entry = await lake.writeChanges(changes)
        const pool = new BlockPool()
        const read = await lake.reader.readChanges(entry, pool)
        const expected = changes.map((one) => {
          return one.op === 'truncate' ? one : { ...one, values: aligned(one.values) }
        })
        assert.deepEqual(changesOf(read), expected)
        read.release()
        assert.equal(pool.bytesInUse, 0)
      }),
      RUNS,
    )
  })
}

function keepsLoads(encoding: Encoding): void {
  test('gives back every row of a load', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(row, { maxLength: 8 }), async (rows) => {
        const lake = new Lake(encoding)
        const part = lake.reader.readLoadPart(await lake.writeLoad(rows.map(aligned)), SHAPE)
        assert.equal(part.format, encoding.format)
        const found: unknown[] = []
        for await (const { bytes, starts } of part.read()) {
          for (const start of starts.slice(0, -1)) found.push(columnsOf(bytes, start))
        }
        assert.deepEqual(found, rows.map(aligned))
      }),
      RUNS,
    )
  })
}

function isNoticedWhenDamaged(encoding: Encoding): void {
  test('is refused with the name of the file, and all blocks given back, if a byte is another', async () => {
    const values = [...TYPED_VALUES.map(() => null), '7']
    for (const place of [0.1, 0.5, 0.99]) {
      const lake = new Lake(encoding)
      const entry = await lake.writeChanges([{ op: 'insert', lsn: 5n, ordinal: 2, values }])
      const file = (await lake.store.get(entry.path))!
      file[Math.floor(file.length * place)]! ^= 1
      await lake.store.put(entry.path, file)
      const pool = new BlockPool()
      await assert.rejects(lake.reader.readChanges(entry, pool), (error: Error) => {
        assert.ok(error.message.startsWith(entry.path), error.message)
        return 'code' in error && error.code === 'LAKE_DAMAGED'
      })
      assert.equal(pool.bytesInUse, 0)
    }
  })
}

class Lake {
  readonly store = new MemoryStore()
  readonly #shapes = new Shapes(this.store)
  readonly reader = new LogReader({ store: this.store, shapes: this.#shapes, rollupEvery: 1000 })
  readonly #encoding: Encoding

  constructor(encoding: Encoding) {
    this.#encoding = encoding
  }

  async writeChanges(changes: readonly TestChange[]): Promise<ChangesEntry> {
    const { format } = this.#encoding
    const key = `app/orders/1.${format}`
    assert.equal(formatOf(key), format)
    const pieces = encodeFile({ shape: SHAPE, changes: logOf(changes) }, 1000, this.#encoding)
    const file = await writeDataFile(this.store, { key, format }, pieces)
    const at = { lsn: ZERO_LSN, ordinal: 0 }
    const rows = { i: 0, u: 0, d: 0 }
    const shape = await this.#shapes.write(SHAPE)
    const fields = { table: TABLE, shape, path: key, first: at, last: at, rows, unchanged: 0 }
    return { type: 'changes', ...fields, ...file, order: 1000 }
  }

  async writeLoad(rows: readonly Value[][]): Promise<LoadPartEntry> {
    const { format } = this.#encoding
    const key = `app/orders/load/l1/000000.${format}`
    const lines = loadLines(SHAPE, { lsn: lsn(9n), order: 99, committedAt: 0n })
    async function* csv(): AsyncGenerator<Uint8Array> {
      yield lines.header
      for (const values of rows) {
        yield Buffer.concat([lines.prefix, Buffer.from(`${values.map(field).join(',')}\n`)])
      }
    }
    const pieces = encodeLoadPart(csv(), lines, this.#encoding)
    const file = await writeDataFile(this.store, { key, format }, pieces)
    return { type: 'load-part', table: TABLE, load: 'l1', path: key, rows: rows.length, ...file }
  }
}

function field(value: Value): string {
  return Buffer.isBuffer(value) ? `"${value.toString().replaceAll('"', '""')}"` : ''
}

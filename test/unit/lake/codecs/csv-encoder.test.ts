/** A CSV file of the lake, byte by byte. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { BlockPool } from '../../../../src/core/change-log.ts'
import { lsn } from '../../../../src/core/lsn.ts'
import type { Shape } from '../../../../src/core/table.ts'
import { encodeChanges, encodeHeader, loadPrefix } from '../../../../src/lake/codecs/csv-encoder.ts'
import { INT8, logOf, shapeOf, UNCHANGED, type TestChange } from '../../../support/tuples.ts'

/** 2026-11-23 10:11:12.123456 */
const TIME = 848_743_872_123_456n

function encode(
  shape: Shape,
  changes: readonly TestChange[],
  order = 1_764_000_000_000_000,
): string {
  return Buffer.concat([...encodeChanges({ shape, changes: logOf(changes) }, order)]).toString()
}

/** The lines of a file behind its header. */
function rows(shape: Shape, changes: readonly TestChange[], order?: number): string[] {
  return encode(shape, changes, order).split('\n').slice(1, -1)
}

const at = { lsn: 0x16_b374_d848n, ordinal: 2, committedAt: TIME }
const PLACE = '97500059720,2,2026-11-23 10:11:12.123456'

describe('a file of changes', () => {
  test('has a header, and a line for each change, in their order', () => {
    const later = { ...at, lsn: at.lsn + 8n, committedAt: TIME + 1_000_000n }
    const file = encode(shapeOf(['id', 'note']), [
      { ...at, op: 'insert', values: ['1', 'a, "b"'] },
      { ...at, op: 'update', ordinal: 4, values: ['1', null] },
      { ...later, op: 'delete', values: ['1', null] },
      { ...later, op: 'insert', ordinal: 3, values: ['2', ''] },
      { ...later, op: 'truncate', ordinal: 6, values: [] },
    ])
    assert.equal(
      file,
      [
        'Op,_order,_lsn,_seq,_committed_at,_unchanged,id,note',
        'I,1764000000000000,97500059720,2,2026-11-23 10:11:12.123456,,1,"a, ""b"""',
        'U,1764000000000001,97500059720,4,2026-11-23 10:11:12.123456,,1,',
        'D,1764000000000002,97500059728,2,2026-11-23 10:11:13.123456,,1,',
        'I,1764000000000003,97500059728,3,2026-11-23 10:11:13.123456,,2,""',
        'T,1764000000000004,97500059728,6,2026-11-23 10:11:13.123456,,,',
        '',
      ].join('\n'),
    )
  })

  test('has the columns in the order of the shape, whatever it is on the wire', () => {
    const shape = shapeOf(['id', 'a', '-b', 'c'])
    const places = [2, 0, null, 1]
    const columns = shape.columns.map((column, i) => ({ ...column, wire: places[i]! }))
    const change: TestChange = { ...at, op: 'insert', values: ['A', 'C', '1'] }
    assert.deepEqual(rows({ ...shape, columns }, [change], 7), [`I,7,${PLACE},,1,A,,C`])
  })

  const lists: [names: string[], unchanged: string[], field: string][] = [
    [['id', 'a', 'b'], ['a'], 'a'],
    [['id', 'a', 'b'], ['a', 'b'], '"a,b"'],
    [['id', 'a,b', 'c~d'], ['a,b'], 'a~2Cb'],
    [['id', 'a,b', 'c~d'], ['a,b', 'c~d'], '"a~2Cb,c~7Ed"'],
    [['id', 'say "b"'], ['say "b"'], '"say ""b"""'],
    [['id', 'two\tlines'], ['two\tlines'], 'two\tlines'],
  ]

  for (const [names, unchanged, field] of lists) {
    test(`lists the unchanged columns ${unchanged.join(' and ')} as ${field}`, () => {
      const values = names.map((name) => (unchanged.includes(name) ? UNCHANGED : 'x'))
      const row = names.map((name) => (unchanged.includes(name) ? '' : 'x')).join(',')
      const written = rows(shapeOf(names), [{ ...at, op: 'update', values }], 7)
      assert.deepEqual(written, [`U,7,${PLACE},${field},${row}`])
    })
  }

  test('leaves types alone whose text needs no quotes', () => {
    const { columns, ...rest } = shapeOf(['id', 'note'])
    const shape = { ...rest, columns: [{ ...columns[0]!, type: INT8 }, columns[1]!] }
    const change: TestChange = { ...at, op: 'insert', values: ['-42', '-42'] }
    assert.deepEqual(rows(shape, [change], 0), [`I,0,${PLACE},,-42,-42`])
  })

  test('is made while the blocks of the log go back one by one', () => {
    const pool = new BlockPool()
    const shape = shapeOf(['id', 'large'])
    const changes = Array.from({ length: 64 }, (_, i): TestChange => {
      return { ...at, op: 'insert', ordinal: 2 * i + 2, values: [String(i), 'x'.repeat(10_000)] }
    })
    const log = logOf(changes, pool)
    const full = pool.bytesInUse
    const inUse: number[] = []
    for (const _ of encodeChanges({ shape, changes: log }, 0)) inUse.push(pool.bytesInUse)
    assert.ok(inUse.length > 2)
    assert.ok(inUse[0]! < full && inUse[1]! < inUse[0]!)
    assert.equal(pool.bytesInUse, 0)
    assert.equal(log.rows, 0)
  })

  test('refuses a row that has not the columns of the wire', () => {
    const change: TestChange = { ...at, op: 'insert', values: ['1'] }
    assert.throws(() => encode(shapeOf(['id', 'note']), [change]), { code: 'PROTOCOL_VIOLATION' })
  })
})

describe('the header', () => {
  test('has every column of the shape, dropped ones too, in quotes where need be', () => {
    const header = encodeHeader(shapeOf(['id', '-gone', 'a,b', 'say "c"', 'Größe']))
    const expected =
      'Op,_order,_lsn,_seq,_committed_at,_unchanged,id,gone,"a,b","say ""c""",Größe\n'
    assert.equal(header.toString(), expected)
  })
})

describe('a row of a load', () => {
  test('is a constant and the line of a COPY', () => {
    const prefix = loadPrefix({ order: 1_764_000_000_000_000, lsn: lsn(at.lsn), committedAt: TIME })
    assert.equal(prefix.toString(), 'I,1764000000000000,97500059720,0,2026-11-23 10:11:12.123456,,')
  })
})

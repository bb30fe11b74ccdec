import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { rowOf, rowOfLine, withRow } from '../../../../src/capture/stream/oversized.ts'
import { StreamReader } from '../../../../src/capture/stream/stream-reader.ts'
import { CodedError } from '../../../../src/core/errors.ts'
import { mergeShape } from '../../../../src/core/shape-diff.ts'
import { UNCHANGED, wire, xlogData } from '../../../support/wire.ts'
import { Feed } from '../feed.ts'

const LARGE = 'x'.repeat(1000)
const COLUMNS = ['id', 'part', 'body'].map((name) => ({
  name,
  type: { oid: 25, name: 'text', modifier: -1 },
}))
const FILES = mergeShape(null, {
  table: { namespace: 'app', name: 'files' },
  oid: 7,
  columns: COLUMNS,
  key: ['id', 'part'],
})
const shapeOf = (oid: number) => (oid === 7 ? FILES : null)

describe('a change of which only the beginning came', () => {
  const cases: [name: string, message: Buffer, row: ReturnType<typeof rowOf>, isStreamed?: true][] =
    [
      [
        'is named by its key, if that stands before the large value',
        wire.insert(7, ['42', 'b', LARGE]),
        { table: 'app.files', key: 'id = 42, part = b' },
      ],
      [
        'is named by the key of the old row, where that changed',
        wire.update(7, ['43', 'b', LARGE], { key: ['42', 'b', null] }),
        { table: 'app.files', key: 'id = 42, part = b' },
      ],
      [
        'may be a delete of a large row',
        wire.delete(7, { full: ['42', 'b', LARGE] }),
        { table: 'app.files', key: 'id = 42, part = b' },
      ],
      [
        'may come within a streamed transaction',
        wire.insert(7, ['42', 'b', LARGE], { xid: 9 }),
        { table: 'app.files', key: 'id = 42, part = b' },
        true,
      ],
      [
        'has no key to show where a part of it was cut off',
        wire.insert(7, ['42', LARGE, 'x']),
        { table: 'app.files', key: '' },
      ],
      [
        'has no key to show where a part of it was not sent',
        wire.update(7, ['42', UNCHANGED, LARGE]),
        { table: 'app.files', key: '' },
      ],
      [
        'of a table that was never seen has at least its OID',
        wire.insert(8, ['42', 'b', LARGE]),
        { table: 'the table with OID 8', key: '' },
      ],
      ['may be of no row', wire.message('prefix', LARGE), null],
    ]
  for (const [name, message, row, isStreamed = false] of cases) {
    test(name, () => {
      assert.deepEqual(rowOf(message.subarray(0, 500), { isStreamed }, shapeOf), row)
    })
  }

  test('fails in no way, wherever it was cut', () => {
    const message = wire.update(7, ['42', 'b', LARGE], { key: ['41', 'b', null] })
    for (let end = 0; end < 100; end++)
      rowOf(message.subarray(0, end), { isStreamed: false }, shapeOf)
  })

  test('shows no more of a long key than is needed to find it', () => {
    const row = rowOf(wire.insert(7, ['k'.repeat(200), 'b', LARGE]), { isStreamed: false }, shapeOf)
    assert.equal(row?.key, `id = ${'k'.repeat(60)}…, part = b`)
  })

  test('is known by the shape that the stream has shown right before', async () => {
    const feed = new Feed()
    await feed.take(
      wire.begin({ commitLsn: 1n }),
      wire.relation({ oid: 5, name: 't', columns: ['id', 'v'] }),
    )
    const { intake, tables } = feed
    const onPiece = () => Promise.resolve(true)
    const reader = new StreamReader({
      intake,
      tables,
      spool: null,
      onReplyWanted: () => {},
      onPiece,
    })
    const error = new CodedError('MESSAGE_TOO_LARGE', 'too large', { details: { bytes: 1 } })
    const named = reader.nameOversized(
      error,
      xlogData(wire.insert(5, ['3', LARGE])).subarray(0, 200),
    )
    assert.ok(named instanceof CodedError)
    assert.equal(named.message, 'public.t, id = 3: too large')
    assert.deepEqual(named.details, { bytes: 1, table: 'public.t' })
  })
})

describe('a line of a load of which only the beginning came', () => {
  const table = { name: { namespace: 'app', name: 'files' }, key: ['id', 'part'] }
  const cases: [name: string, line: string, columns: string[], key: string][] = [
    [
      'is named by its key',
      `42,"b ""c""",${LARGE}`,
      ['id', 'part', 'body'],
      'id = 42, part = b "c"',
    ],
    ['has no key to show where it was cut off', `42,${LARGE}`, ['id', 'part', 'body'], ''],
    ['has no key to show where it begins with the large value', LARGE, ['body', 'id', 'part'], ''],
    ['may have empty places', `,42,b,${LARGE}`, ['', 'id', 'part', 'body'], 'id = 42, part = b'],
  ]
  for (const [name, line, columns, key] of cases) {
    test(name, () => {
      const head = Buffer.from(line).subarray(0, 500)
      assert.deepEqual(rowOfLine(head, table, columns), { table: 'app.files', key })
    })
  }
})

test('an error without a code is a bug, and is left as it is', () => {
  const error = new Error('bug')
  assert.equal(withRow(error, { table: 't', key: '' }), error)
})

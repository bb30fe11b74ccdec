/** What messages of the DDL trigger at the source come to in the log. */

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'

import { Spool } from '../../../../src/capture/stream/spool.ts'
import { StreamReader } from '../../../../src/capture/stream/stream-reader.ts'
import { ddlMessage } from '../../../../src/capture/tables/ddl-message.ts'
import type { BatchItem } from '../../../../src/core/batch.ts'
import { mergeShape } from '../../../../src/core/shape-diff.ts'
import { tableId } from '../../../../src/core/table.ts'
import { wire, xlogData, type Streamed } from '../../../support/wire.ts'
import { Feed, type FeedOptions } from '../feed.ts'

const OID = 1
const TABLE = { namespace: 'public', name: 't' }
const ID = tableId(TABLE)
const COLUMNS = ['id', 'note']
const TEXT = { oid: 25, name: 'text', modifier: -1 }

const say = (json: object, options: Streamed = {}) =>
  wire.message('millrace', JSON.stringify(json), options)
const rewrite = (last: number | null = null, options: Streamed = {}) =>
  say({ do: 'rewrite', table: OID, last }, options)
const drop = (...tables: number[]) => say({ do: 'drop', tables })
const relation = (columns = COLUMNS) => wire.relation({ oid: OID, name: 't', columns })
const row = (id: string, options: Streamed = {}) => wire.insert(OID, [id, 'x'], options)
const begin = (at: bigint) => wire.begin({ commitLsn: at, committedAt: at })
const commit = (at: bigint) => wire.commit({ commitLsn: at, endLsn: at + 8n })
const transaction = (at: bigint, ...messages: Buffer[]) => [begin(at), ...messages, commit(at)]

/** The log has the table, whose columns have the numbers 1 and 2. */
function feedWith(options: FeedOptions = {}): Feed {
  const feed = new Feed(options)
  const columns = COLUMNS.map((name, i) => ({ name, type: TEXT, attnum: i + 1 }))
  const shape = mergeShape(null, { table: TABLE, oid: OID, columns, key: ['id'] })
  feed.tables.introduce({ id: ID, shape })
  return feed
}

function textOf(item: BatchItem): string {
  if (item.type === 'changes') return `rows up to ${item.last.ordinal}`
  const { lsn, ordinal } = item.position
  const isVoid = item.type === 'shape' && item.isAmbiguous
  return `${item.type}${isVoid ? ' void' : ''} ${lsn.toString(16)}/${ordinal}`
}

/** What the batch says of the table, and where it ends. */
function batchOf(feed: Feed): [items: string[], to: string] | null {
  const batch = feed.pending.take()
  if (batch === null) return null
  const { lsn, ordinal, end } = batch.to
  const to = `${lsn.toString(16)}/${ordinal}${end ? ' end' : ''}`
  return [(batch.tables.get(ID) ?? []).map(textOf), to]
}

function toldIn({ events }: Feed): number {
  return events.filter(({ type }) => type === 'ddl-ambiguous').length
}

describe('a table that was written anew', () => {
  test('is loaded again from the end of that transaction on, though no row shows it', async () => {
    const feed = feedWith()
    await feed.take(...transaction(0x100n, rewrite()))
    assert.deepEqual(batchOf(feed), [['shape void 108/0'], '108/0 end'])
    assert.equal(toldIn(feed), 1)
    await feed.take(...transaction(0x200n, relation(), row('1')))
    assert.deepEqual(batchOf(feed), [['rows up to 2'], '200/2 end'])
  })

  test('counts no ordinal, and stands behind the rows of its transaction', async () => {
    const feed = feedWith()
    const rows = [relation(), row('1'), rewrite(), rewrite(), relation(), row('2')]
    await feed.take(...transaction(0x100n, ...rows))
    assert.deepEqual(batchOf(feed), [['rows up to 4', 'shape void 108/0'], '108/0 end'])
    assert.equal(toldIn(feed), 1)
  })

  test('is told once if a row shows it too', async () => {
    const feed = feedWith()
    // The catalog of the test knows no numbers, so a new column is one of which nothing is certain.
    const rows = [rewrite(3), relation([...COLUMNS, 'c']), wire.insert(OID, ['1', 'x', 'y'])]
    await feed.take(...transaction(0x100n, ...rows))
    assert.deepEqual(batchOf(feed), [['shape void 100/2', 'rows up to 2'], '100/2 end'])
    assert.equal(toldIn(feed), 1)
  })

  test('for a column that the log does not have yet is loaded again', async () => {
    const feed = feedWith()
    await feed.take(...transaction(0x100n, rewrite(3)))
    assert.deepEqual(batchOf(feed), [['shape void 108/0'], '108/0 end'])
  })

  test('for a generated column is left alone', async () => {
    const feed = feedWith()
    await feed.take(...transaction(0x100n, rewrite(2)))
    assert.equal(batchOf(feed), null)
    assert.equal(feed.intake.idleLsn, 0x108n)
  })

  test('for both is loaded again', async () => {
    const feed = feedWith()
    await feed.take(...transaction(0x100n, rewrite(2), rewrite(), rewrite(2)))
    assert.deepEqual(batchOf(feed), [['shape void 108/0'], '108/0 end'])
  })

  test('and of which the log has nothing is left alone', async () => {
    const feed = feedWith()
    await feed.take(...transaction(0x100n, say({ do: 'rewrite', table: 9, last: null }), drop(9)))
    assert.equal(batchOf(feed), null)
  })

  test('is only told if that is the policy, and stops the task if that is', async () => {
    const ignoring = feedWith({ ddl: 'ignore' })
    await ignoring.take(...transaction(0x100n, rewrite()))
    assert.deepEqual([batchOf(ignoring), toldIn(ignoring)], [null, 1])
    const stopping = feedWith({ ddl: 'stop' })
    await assert.rejects(stopping.take(...transaction(0x100n, rewrite())), {
      code: 'DDL_AMBIGUOUS',
    })
    assert.equal(batchOf(stopping), null)
  })

  test('is said again if the lake has a part of its transaction, and not if it has the end', async () => {
    const stream = transaction(0x100n, relation(), row('1'), row('2'), rewrite())
    const cut = feedWith({ resume: { lsn: 0x100n, ordinal: 4, end: false } })
    await cut.take(...stream)
    assert.deepEqual(batchOf(cut), [['shape void 108/0'], '108/0 end'])
    const whole = feedWith({ resume: { lsn: 0x108n, ordinal: 0, end: true } })
    await whole.take(...stream, ...transaction(0x108n, relation(), row('3')))
    assert.deepEqual(batchOf(whole), [['rows up to 2'], '108/2 end'])
  })
})

describe('a table that was dropped', () => {
  test('is dropped where its transaction ends, behind its rows', async () => {
    const feed = feedWith()
    await feed.take(...transaction(0x100n, relation(), row('1'), rewrite(), drop(7, OID)))
    assert.deepEqual(batchOf(feed), [['rows up to 2', 'drop 108/0'], '108/0 end'])
    assert.deepEqual(
      feed.events.map(({ type }) => type),
      ['table-dropped'],
    )
    await feed.take(...transaction(0x200n))
    assert.equal(batchOf(feed), null)
  })

  test('is left alone if it is there: the savepoint was rolled back', async () => {
    const feed = feedWith()
    feed.catalog.has = (oid) => Promise.resolve(oid === OID)
    await feed.take(...transaction(0x100n, drop(OID), relation(), row('1')))
    assert.deepEqual(batchOf(feed), [['rows up to 2'], '100/2 end'])
  })

  test('gives its name to one that is made in the same transaction', async () => {
    const feed = feedWith()
    const other = [
      wire.relation({ oid: 2, name: 't', columns: COLUMNS }),
      wire.insert(2, ['1', '']),
    ]
    await feed.take(...transaction(0x100n, drop(OID), ...other))
    assert.deepEqual(batchOf(feed), [['drop 100/2', 'rows up to 2'], '100/2 end'])
  })
})

describe('a message', () => {
  const content = (text: string) => ({
    isTransactional: true,
    prefix: 'millrace',
    content: Buffer.from(text),
  })
  const good = '{"do":"drop","tables":[1]}'

  test('is ours by its prefix, and belongs to its transaction', () => {
    assert.deepEqual(ddlMessage(content(good)), { do: 'drop', tables: [1] })
    assert.equal(ddlMessage({ ...content(good), prefix: 'app' }), null)
    assert.equal(ddlMessage({ ...content(good), isTransactional: false }), null)
  })

  for (const text of ['', 'no', 'null', '7', '[]', '{}', '{"do":"x"}', '{"do":"drop"}']) {
    test(`that says nothing is passed over: ${text}`, () => {
      assert.equal(ddlMessage(content(text)), null)
    })
  }

  test('that lacks a part is passed over', () => {
    assert.equal(ddlMessage(content('{"do":"rewrite","table":"1"}')), null)
    assert.equal(ddlMessage(content('{"do":"rewrite","table":1,"last":"2"}')), null)
    assert.deepEqual(ddlMessage(content('{"do":"drop","tables":[null,1,"2"]}')), {
      do: 'drop',
      tables: [1],
    })
  })
})

describe('of a streamed transaction', () => {
  const streamed = (xid: number, ...messages: Buffer[]) => [
    wire.streamStart(xid),
    ...messages,
    wire.streamStop(),
  ]
  const shown = wire.relation({ oid: OID, name: 't', columns: COLUMNS, xid: 5 })

  test('a message counts at its commit', async () => {
    const feed = feedWith()
    await streamTo(feed, [
      ...streamed(5, shown, row('1', { xid: 5 }), rewrite(null, { xid: 5 })),
      ...transaction(0x80n, relation(), row('2')),
      wire.streamCommit(5, { commitLsn: 0x100n, endLsn: 0x108n, committedAt: 1n }),
    ])
    assert.deepEqual(batchOf(feed), [['rows up to 2', 'shape void 108/0'], '108/0 end'])
  })

  test('that is rolled back nothing is left', async () => {
    const feed = feedWith()
    await streamTo(feed, [
      ...streamed(5, shown, row('1', { xid: 5 }), rewrite(null, { xid: 5 })),
      wire.streamAbort(5),
      ...transaction(0x80n, relation(), row('2')),
    ])
    assert.deepEqual(batchOf(feed), [['rows up to 2'], '80/2 end'])
  })
})

/** Through the spool, as a server sends it. */
async function streamTo(feed: Feed, messages: readonly Buffer[]): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-announced-'))
  await using spool = await Spool.open(folder)
  const { intake, tables } = feed
  const onPiece = () => Promise.resolve(true)
  const reader = new StreamReader({ intake, tables, spool, onPiece, onReplyWanted: () => {} })
  await reader.take(Buffer.concat(messages.map((message) => framed(xlogData(message)))))
  await rm(folder, { recursive: true })
}

function framed(message: Buffer): Buffer {
  const head = Buffer.from([0x64, 0, 0, 0, 0])
  head.writeUInt32BE(message.length + 4, 1)
  return Buffer.concat([head, message])
}

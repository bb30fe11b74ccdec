/**
 * Names that pass from table to table, as the log comes to know them. Every case ends with the rule
 * that the log never has one name for two tables.
 */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { withMarks } from '../../../../src/capture/tables/marks.ts'
import { lsn } from '../../../../src/core/lsn.ts'
import { mergeShape } from '../../../../src/core/shape-diff.ts'
import { tableId, type TableName } from '../../../../src/core/table.ts'
import { wire } from '../../../support/wire.ts'
import { batchText, Feed } from '../feed.ts'

const COLUMNS = ['id', 'note']
const named = (name: string): TableName => ({ namespace: 'public', name })
const relation = (oid: number, name: string, columns = COLUMNS) =>
  wire.relation({ oid, name, columns })
const row = (oid: number, id: string) => wire.insert(oid, [id, 'x'])

const transaction = (at: bigint, ...messages: Buffer[]) => [
  wire.begin({ commitLsn: at, committedAt: at }),
  ...messages,
  wire.commit({ commitLsn: at, endLsn: at + 8n }),
]

/** The log has tables a, b and c, whose OIDs are 1, 2 and 3. */
function feedWith(names = ['a', 'b', 'c'], isSelected?: (name: TableName) => boolean): Feed {
  const feed = new Feed(isSelected ? { isSelected } : {})
  for (const [i, name] of names.entries()) {
    const table = named(name)
    const columns = COLUMNS.map((column) => ({
      name: column,
      type: { oid: 25, name: 'text', modifier: -1 },
    }))
    const shape = mergeShape(null, { table, oid: i + 1, columns, key: ['id'] })
    feed.tables.introduce({ id: tableId(table), shape })
  }
  return feed
}

function namesIn({ tables }: Feed): Record<string, number> {
  const entries = tables.known.map(({ id, shape }) => [id.slice('public.'.length), shape.oid])
  return Object.fromEntries(entries) as Record<string, number>
}

function droppedIn({ events }: Feed): string[] {
  return events.flatMap((event) => (event.type === 'table-dropped' ? [event.table] : []))
}

describe('a name that another table has in the log', () => {
  test('is given up by it before a table that is new takes it', async () => {
    const feed = feedWith(['a'])
    await feed.take(...transaction(0x100n, relation(9, 'a', ['id', 'other']), row(9, '1')))
    assert.deepEqual(feed.batch()?.tables, { 'public.a': ['drop 100/2', 'I 100/2 1,x'] })
    assert.deepEqual(namesIn(feed), { a: 9 })
    assert.deepEqual(droppedIn(feed), ['public.a'])
  })

  test('is given up by it before a table of the log takes it', async () => {
    const feed = feedWith(['a', 'b'])
    await feed.take(...transaction(0x100n, relation(2, 'a'), row(2, '1'), row(2, '2')))
    assert.deepEqual(feed.batch()?.tables, {
      'public.a': ['drop 100/2', 'I 100/2 1,x', 'I 100/4 2,x'],
      'public.b': ['rename 100/2 to public.a 2(id,note)'],
    })
    assert.deepEqual(namesIn(feed), { a: 2 })
  })

  test('and that exchanged it leaves one of the two that is followed, and one that is new', async () => {
    // Both names were in the log, so the first table took the copy of the second, and the second got
    // the rows of the first without being loaded again.
    const feed = feedWith(['a', 'b'])
    const rows = [relation(1, 'b'), row(1, '1'), relation(2, 'a'), row(2, '2'), row(1, '3')]
    await feed.take(...transaction(0x100n, ...rows))
    assert.deepEqual(feed.batch()?.tables, {
      'public.b': ['drop 100/2', 'I 100/2 1,x', 'I 100/6 3,x'],
      'public.a': ['rename 100/2 to public.b 2(id,note)', 'I 100/4 2,x'],
    })
    assert.deepEqual(namesIn(feed), { a: 2, b: 1 })
    assert.deepEqual(droppedIn(feed), ['public.b'])
  })

  test('is passed round three tables that are all described before the first row', async () => {
    const feed = feedWith()
    const relations = [relation(1, 'b'), relation(2, 'c'), relation(3, 'a')]
    const rows = [row(1, '1'), row(2, '2'), row(3, '3')]
    await feed.take(...transaction(0x100n, ...relations, ...rows))
    assert.deepEqual(feed.batch()?.tables, {
      'public.b': ['drop 100/2', 'I 100/2 1,x'],
      'public.a': ['rename 100/2 to public.b 2(id,note)', 'I 100/6 3,x'],
      'public.c': ['drop 100/4', 'I 100/4 2,x'],
    })
    assert.deepEqual(namesIn(feed), { a: 3, b: 1, c: 2 })
  })

  test('that came free meanwhile is taken without a word', async () => {
    const feed = feedWith(['a'])
    await feed.take(...transaction(0x100n, relation(9, 'a')))
    assert.deepEqual(follow(feed, { oid: 1, from: 'a', to: null }), {
      'public.a': ['drop 108/0'],
    })
    await feed.take(...transaction(0x200n, row(9, '1')))
    assert.deepEqual(feed.batch()?.tables, { 'public.a': ['I 200/2 1,x'] })
    assert.deepEqual(namesIn(feed), { a: 9 })
  })

  test('whose shape changes before its first row under the new name is noticed', async () => {
    // The table that lost its name was forgotten, and with it the shape that the log has of it.
    const feed = feedWith(['a', 'b'])
    await feed.take(
      ...transaction(0x100n, relation(2, 'c'), relation(1, 'b'), row(1, '1')),
      ...transaction(0x200n, row(2, '2')),
      ...transaction(0x300n, relation(2, 'c', ['id', 'note', 'more'])),
      ...transaction(0x400n, wire.insert(2, ['3', 'x', 'y'])),
    )
    assert.deepEqual(feed.batch()?.tables['public.c'], [
      'I 200/2 2,x',
      'shape 400/2 3(id,note,more) {"more":null}',
      'I 400/2 3,x,y',
    ])
  })
})

/** What a look found goes into the log behind the transaction that ends at 108. */
function follow(
  feed: Feed,
  ...strays: readonly { oid: number; from: string; to: string | null }[]
): Readonly<Record<string, readonly string[]>> | undefined {
  const marks = strays.flatMap(({ oid, from, to }) => {
    const id = tableId(named(from))
    return feed.tables.follow({ oid, from: id, to: to === null ? null : named(to) })
  })
  const batch = withMarks(null, marks, lsn(0x108n))
  return batch ? batchText(batch).tables : undefined
}

describe('a table that is elsewhere at the source', () => {
  test('is renamed, and its next row needs no word more', async () => {
    const feed = feedWith(['a'])
    assert.deepEqual(follow(feed, { oid: 1, from: 'a', to: 'n' }), {
      'public.a': ['rename 108/0 to public.n 2(id,note)'],
    })
    await feed.take(...transaction(0x200n, relation(1, 'n'), row(1, '1')))
    assert.deepEqual(feed.batch()?.tables, { 'public.n': ['I 200/2 1,x'] })
  })

  test('is renamed although the server does not say so before its next row', async () => {
    const feed = feedWith(['a'])
    await feed.take(...transaction(0x100n, relation(1, 'a'), row(1, '1')))
    feed.batch()
    follow(feed, { oid: 1, from: 'a', to: 'n' })
    await feed.take(...transaction(0x200n, row(1, '2')))
    assert.deepEqual(feed.batch()?.tables, { 'public.n': ['I 200/2 2,x'] })
  })

  test('is left alone if a row has told it meanwhile', async () => {
    const feed = feedWith(['a'])
    await feed.take(...transaction(0x100n, relation(1, 'n'), row(1, '1')))
    feed.batch()
    assert.equal(follow(feed, { oid: 1, from: 'a', to: 'n' }), undefined)
    assert.deepEqual(namesIn(feed), { n: 1 })
  })

  test('takes the name of one that exchanged it, which is new then', async () => {
    const feed = feedWith(['a', 'b'])
    const swapped = [
      { oid: 1, from: 'a', to: 'b' },
      { oid: 2, from: 'b', to: 'a' },
    ]
    assert.deepEqual(follow(feed, ...swapped), {
      'public.b': ['drop 108/0'],
      'public.a': ['rename 108/0 to public.b 2(id,note)'],
    })
    assert.deepEqual(namesIn(feed), { b: 1 })
    await feed.take(...transaction(0x200n, relation(2, 'a'), row(2, '1')))
    assert.deepEqual(feed.batch()?.tables, { 'public.a': ['I 200/2 1,x'] })
  })

  test('and is gone leaves the log, and is new if it comes back', async () => {
    const feed = feedWith(['a'])
    await feed.take(...transaction(0x100n, relation(1, 'a'), row(1, '1')))
    feed.batch()
    assert.deepEqual(follow(feed, { oid: 1, from: 'a', to: null }), { 'public.a': ['drop 108/0'] })
    assert.deepEqual(namesIn(feed), {})
    assert.equal(follow(feed, { oid: 1, from: 'a', to: null }), undefined)
    await feed.take(...transaction(0x200n, row(1, '2')))
    assert.deepEqual(feed.batch()?.tables, { 'public.a': ['I 200/2 2,x'] })
    assert.deepEqual(namesIn(feed), { a: 1 })
  })

  test('and whose name a load has given to another one is forgotten without a word', () => {
    const feed = feedWith(['a'])
    const table = named('a')
    const shape = mergeShape(null, { table, oid: 9, columns: [], key: [] })
    feed.tables.introduce({ id: tableId(table), shape })
    assert.equal(follow(feed, { oid: 1, from: 'a', to: null }), undefined)
    assert.deepEqual(namesIn(feed), { a: 9 })
  })

  test('is at home where the log has it, or has neither it nor its name', () => {
    const { tables } = feedWith(['a'])
    assert.equal(tables.isAtHome({ oid: 1, name: named('a') }), true)
    assert.equal(tables.isAtHome({ oid: 1, name: named('b') }), false)
    assert.equal(tables.isAtHome({ oid: 9, name: named('a') }), false)
    assert.equal(tables.isAtHome({ oid: 9, name: named('b') }), true)
  })

  test('has no place in the log as long as it is not selected', async () => {
    const feed = feedWith([], ({ name }) => name !== 'hidden')
    await feed.take(...transaction(0x100n, relation(1, 'hidden'), row(1, '1')))
    assert.deepEqual(namesIn(feed), {})
    await feed.take(...transaction(0x200n, relation(1, 'shown'), row(1, '2')))
    assert.deepEqual(namesIn(feed), { shown: 1 })
  })
})

describe('marks', () => {
  test('stand behind the rows of a batch, where its last transaction ends', async () => {
    const feed = feedWith(['a'])
    await feed.take(...transaction(0x100n, relation(1, 'a'), row(1, '1')))
    const item = { type: 'drop' as const }
    const batch = withMarks(
      feed.pending.take(),
      [{ table: tableId(named('a')), item }],
      lsn(0x108n),
    )
    assert.deepEqual(batch && batchText(batch), {
      tables: { 'public.a': ['I 100/2 1,x', 'drop 108/0'] },
      to: '108/0 end',
      confirm: '108',
    })
  })
})

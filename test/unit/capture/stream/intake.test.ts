import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import type { DdlPolicy } from '../../../../src/capture/tables/tracked-tables.ts'
import { mergeShape } from '../../../../src/core/shape-diff.ts'
import { tableId } from '../../../../src/core/table.ts'
import { UNCHANGED, wire, type RelationOptions } from '../../../support/wire.ts'
import { Feed } from '../feed.ts'

const CUSTOMERS = { oid: 1, name: 'customers', columns: ['id', 'name'] }
const ORDERS = { oid: 2, name: 'orders', columns: ['id', 'note'] }
const AUDIT = { oid: 3, name: 'audit', columns: ['id'] }

const begin = (commitLsn: bigint) => wire.begin({ commitLsn, committedAt: commitLsn })
const commit = (commitLsn: bigint) => wire.commit({ commitLsn, endLsn: commitLsn + 8n })
const transaction = (at: bigint, ...messages: Buffer[]) => [begin(at), ...messages, commit(at)]
const notAudit = ({ name }: { name: string }) => name !== 'audit'

describe('positions', () => {
  test('count every row message, whether the table is selected or not, and a truncate of several tables once', async () => {
    const feed = new Feed({ isSelected: notAudit })
    await feed.take(
      ...transaction(
        0x100n,
        wire.relation(AUDIT),
        wire.insert(3, ['1']),
        wire.relation(CUSTOMERS),
        wire.insert(1, ['1', 'Ada']),
        wire.relation(ORDERS),
        wire.message('prefix', 'not a row'),
        wire.truncate([2, 3, 1]),
        wire.insert(3, ['2']),
        wire.insert(1, ['2', 'Bob']),
        wire.delete(1, { key: ['2', null] }),
      ),
    )
    assert.deepEqual(feed.batch(), {
      tables: {
        'public.customers': [
          'I 100/4 1,Ada',
          'T 100/6',
          'truncate 100/6',
          'I 100/10 2,Bob',
          'D 100/12 2,-',
        ],
        'public.orders': ['T 100/6', 'truncate 100/6'],
      },
      to: '100/12 end',
      confirm: '108',
    })
  })

  test('end at the last row that is ours, though others come after it', async () => {
    const feed = new Feed({ isSelected: notAudit })
    const others = [wire.relation(AUDIT), wire.insert(3, ['1'])]
    await feed.take(
      begin(0x100n),
      wire.relation(CUSTOMERS),
      wire.insert(1, ['1', 'Ada']),
      ...others,
    )
    assert.equal(feed.batch()?.to, '100/2')
    await feed.take(commit(0x100n))
    assert.deepEqual(feed.batch(), { tables: {}, to: '100/2 end', confirm: '108' })
  })

  test('of a transaction without anything for us are not told, only where it ended', async () => {
    const feed = new Feed({ isSelected: notAudit })
    await feed.take(...transaction(0x100n))
    assert.equal(feed.intake.idleLsn, 0x108n)
    await feed.take(...transaction(0x200n, wire.relation(AUDIT), wire.insert(3, ['1'])))
    assert.equal(feed.intake.idleLsn, 0x208n)
    assert.equal(feed.batch(), null)
    assert.equal(feed.intake.isInTransaction, false)
  })
})

describe('an update', () => {
  const keyed = { oid: 1, name: 'customers', columns: ['id', 'name', 'text'] }
  const full: RelationOptions = { ...keyed, identity: 'full' }

  const cases: {
    name: string
    relation?: RelationOptions
    key?: readonly string[]
    update: Buffer
    rows: string[]
  }[] = [
    {
      name: 'that leaves the key as it is is one U',
      update: wire.update(1, ['1', 'Ada', 'x']),
      rows: ['U 100/2 1,Ada,x'],
    },
    {
      name: 'keeps what is unchanged as such if no old row came with it',
      update: wire.update(1, ['1', 'Ada', UNCHANGED]),
      rows: ['U 100/2 1,Ada,~'],
    },
    {
      name: 'that changes the key is a delete at 2k and an insert at 2k + 1, which may lack values',
      update: wire.update(1, ['2', 'Ada', UNCHANGED], { key: ['1', null, null] }),
      rows: ['D 100/2 1,-,-', 'I 100/3 2,Ada,~'],
    },
    {
      name: 'whose old key came along but is equal is one U',
      update: wire.update(1, ['1', 'Ada', UNCHANGED], { key: ['1', null, null] }),
      rows: ['U 100/2 1,Ada,~'],
    },
    {
      name: 'takes a TOASTed key column from the old key',
      update: wire.update(1, [UNCHANGED, 'Ada', UNCHANGED], { key: ['1', null, null] }),
      rows: ['U 100/2 1,Ada,~'],
    },
    {
      name: 'to a key of which the old one is a prefix changes the key',
      update: wire.update(1, ['10', 'Ada', 'x'], { key: ['1', null, null] }),
      rows: ['D 100/2 1,-,-', 'I 100/3 10,Ada,x'],
    },
    {
      name: 'from an empty key column to NULL changes the key',
      update: wire.update(1, [null, 'Ada', 'x'], { key: ['', null, null] }),
      rows: ['D 100/2 ,-,-', 'I 100/3 -,Ada,x'],
    },
    {
      name: 'under FULL is completed from the old row, and one U if the primary key stays',
      relation: full,
      key: ['id'],
      update: wire.update(1, ['1', 'Ada', UNCHANGED], { full: ['1', 'Bob', 'long'] }),
      rows: ['U 100/2 1,Ada,long'],
    },
    {
      name: 'under FULL that changes the primary key deletes the whole old row',
      relation: full,
      key: ['id'],
      update: wire.update(1, ['2', 'Ada', UNCHANGED], { full: ['1', 'Bob', 'long'] }),
      rows: ['D 100/2 1,Bob,long', 'I 100/3 2,Ada,long'],
    },
    {
      name: 'under FULL without a primary key is always a delete and an insert',
      relation: full,
      key: [],
      update: wire.update(1, ['1', 'Ada', 'x'], { full: ['1', 'Ada', 'x'] }),
      rows: ['D 100/2 1,Ada,x', 'I 100/3 1,Ada,x'],
    },
  ]

  for (const { name, relation = keyed, key, update, rows } of cases) {
    test(name, async () => {
      const feed = new Feed()
      if (key) feed.catalog.keys.set(1, key)
      await feed.take(...transaction(0x100n, wire.relation(relation), update))
      const batch = feed.batch()
      assert.deepEqual(batch?.tables, { 'public.customers': rows })
      assert.equal(batch.to, `100/${rows.length === 2 ? 3 : 2} end`)
    })
  }

  test('is counted by what it became, and once if it has unchanged values', async () => {
    const feed = new Feed()
    await feed.take(
      ...transaction(
        0x100n,
        wire.relation(keyed),
        wire.insert(1, ['1', 'Ada', 'x']),
        wire.update(1, ['1', 'Ada', UNCHANGED]),
        wire.update(1, ['2', 'Ada', UNCHANGED], { key: ['1', null, null] }),
        wire.delete(1, { key: ['2', null, null] }),
      ),
    )
    const [items] = feed.pending.take()!.tables.values()
    const [chunk] = items!
    assert.equal(chunk?.type, 'changes')
    assert.deepEqual(chunk.type === 'changes' && chunk.counts, { i: 2, u: 1, d: 2, unchanged: 2 })
    assert.deepEqual(chunk.type === 'changes' && [chunk.first.ordinal, chunk.last.ordinal], [2, 8])
  })
})

describe('a run that goes on', () => {
  const rows = [
    wire.relation(CUSTOMERS),
    wire.insert(1, ['1', 'Ada']),
    wire.update(1, ['2', 'Ada'], { key: ['1', null] }),
    wire.insert(1, ['3', 'Eve']),
  ]
  const all = ['I 100/2 1,Ada', 'D 100/4 1,-', 'I 100/5 2,Ada', 'I 100/6 3,Eve']

  const cases = [
    ['before the transaction takes all of it', { lsn: 0xffn, ordinal: 2, end: true }, 0],
    ['at a heartbeat where it commits takes all', { lsn: 0x100n, ordinal: 0, end: true }, 0],
    ['in its middle takes what comes after', { lsn: 0x100n, ordinal: 2, end: false }, 1],
    ['behind a changed key takes what comes after', { lsn: 0x100n, ordinal: 5, end: false }, 3],
    ['behind its last row takes no row', { lsn: 0x100n, ordinal: 6, end: false }, 4],
  ] as const
  for (const [name, resume, skipped] of cases) {
    test(`${name}, and its end`, async () => {
      const feed = new Feed({ resume })
      await feed.take(...transaction(0x100n, ...rows))
      const left = all.slice(skipped)
      assert.deepEqual(feed.batch(), {
        tables: left.length > 0 ? { 'public.customers': left } : {},
        to: '100/6 end',
        confirm: '108',
      })
    })
  }

  for (const resume of [
    { lsn: 0x100n, ordinal: 6, end: true },
    { lsn: 0x101n, ordinal: 0, end: true },
    { lsn: 0x200n, ordinal: 2, end: false },
  ]) {
    const at = `${resume.lsn.toString(16)}/${resume.ordinal}`
    test(`behind it, at ${at}, takes nothing, and does not take it for idleness`, async () => {
      const feed = new Feed({ resume })
      await feed.take(...transaction(0x100n, ...rows))
      assert.equal(feed.batch(), null)
      assert.equal(feed.intake.idleLsn, 0n)
    })
  }

  test('in the middle of a transaction of which the rest is not ours closes it', async () => {
    const resume = { lsn: 0x100n, ordinal: 2, end: false }
    const feed = new Feed({ resume, isSelected: notAudit })
    const others = [wire.relation(AUDIT), wire.insert(3, ['1'])]
    const ours = [wire.relation(CUSTOMERS), wire.insert(1, ['1', 'Ada'])]
    await feed.take(...transaction(0x100n, ...ours, ...others))
    assert.deepEqual(feed.batch(), { tables: {}, to: '100/2 end', confirm: '108' })
  })

  test('skips a truncate that the lake has', async () => {
    const feed = new Feed({ resume: { lsn: 0x100n, ordinal: 2, end: false } })
    await feed.take(
      ...transaction(
        0x100n,
        wire.relation(CUSTOMERS),
        wire.truncate([1]),
        wire.insert(1, ['1', 'Ada']),
      ),
    )
    assert.deepEqual(feed.batch()?.tables, { 'public.customers': ['I 100/4 1,Ada'] })
  })
})

const CUSTOMERS_ID = tableId({ namespace: 'public', name: 'customers' })

describe('a table that looks different', () => {
  const grown = { ...CUSTOMERS, columns: ['id', 'name', 'age'] }
  const moved = { ...CUSTOMERS, name: 'people' }

  /** The log has the table as its first Relation message shows it. */
  async function feedWithCustomers(
    resume = { lsn: 0n, ordinal: 0, end: true },
    ddl: DdlPolicy = 'resync',
  ): Promise<Feed> {
    const feed = new Feed({ resume, ddl })
    const table = { namespace: 'public', name: 'customers' }
    const type = { oid: 25, name: 'text', modifier: -1 }
    const columns = ['id', 'name'].map((name) => ({ name, type }))
    const shape = mergeShape(null, { table, oid: 1, columns, key: ['id'] })
    feed.tables.introduce({ id: tableId(table), shape })
    return feed
  }

  test('has its barrier right before the row that showed it, at the same position', async () => {
    const feed = await feedWithCustomers()
    feed.catalog.missing.set('age', '7')
    await feed.take(
      ...transaction(0x100n, wire.relation(CUSTOMERS), wire.insert(1, ['1', 'Ada'])),
      ...transaction(0x200n, wire.relation(grown)),
      ...transaction(0x300n, wire.insert(1, ['2', 'Bob', null])),
    )
    assert.deepEqual(feed.batch()?.tables, {
      'public.customers': [
        'I 100/2 1,Ada',
        'shape 300/2 2(id,name,age) {"age":"7"}',
        'I 300/2 2,Bob,-',
      ],
    })
  })

  test('has no barrier in a batch that ends before the row', async () => {
    const feed = await feedWithCustomers()
    await feed.take(begin(0x100n), wire.relation(CUSTOMERS), wire.insert(1, ['1', 'Ada']))
    await feed.take(wire.relation(grown))
    assert.deepEqual(feed.batch()?.tables, { 'public.customers': ['I 100/2 1,Ada'] })
    await feed.take(wire.insert(1, ['2', 'Bob', '3']), commit(0x100n))
    const tables = feed.batch()?.tables
    assert.deepEqual(tables?.['public.customers'], [
      'shape 100/4 2(id,name,age) {"age":null}',
      'I 100/4 2,Bob,3',
    ])
  })

  test('has one barrier for two changes without a row between, with the default of each new column', async () => {
    const feed = await feedWithCustomers()
    feed.catalog.missing.set('age', '7').set('city', null)
    const columns = ['id', 'name', 'age', 'city']
    await feed.take(
      ...transaction(0x100n, wire.relation(grown)),
      ...transaction(0x200n, wire.relation({ ...grown, columns }), wire.truncate([1])),
    )
    assert.deepEqual(feed.batch()?.tables, {
      'public.customers': [
        'shape 200/2 2(id,name,age,city) {"age":"7","city":null}',
        'T 200/2',
        'truncate 200/2',
      ],
    })
  })

  test('only until its next row has no barrier', async () => {
    // After a restart the slot sends Relation messages from before a change that the log has. Each
    // restart put a barrier into the log, and a new shape, for a table that had not changed.
    const feed = await feedWithCustomers({ lsn: 0x200n, ordinal: 2, end: true })
    const older = { ...CUSTOMERS, columns: ['id'] }
    await feed.take(
      ...transaction(0x100n, wire.relation(older), wire.insert(1, ['1'])),
      ...transaction(0x300n, wire.relation(CUSTOMERS), wire.insert(1, ['2', 'Bob'])),
    )
    assert.deepEqual(feed.batch()?.tables, { 'public.customers': ['I 300/2 2,Bob'] })
    assert.equal(feed.tables.shapeOf(1)?.number, 1)
  })

  test('gives its rows to the new name behind a rename of the old', async () => {
    const feed = await feedWithCustomers()
    await feed.take(
      ...transaction(0x100n, wire.relation(moved), wire.insert(1, ['1', 'Ada'])),
      ...transaction(0x200n, wire.insert(1, ['2', 'Bob'])),
    )
    assert.deepEqual(feed.batch()?.tables, {
      'public.customers': ['rename 100/2 to public.people 2(id,name)'],
      'public.people': ['I 100/2 1,Ada', 'I 200/2 2,Bob'],
    })
  })

  test('and has another name has both barriers, so that the default of a new column is told', async () => {
    // A rename has no defaults. Rows that existed got NULL in a column that was added before the
    // first row under the new name.
    const feed = await feedWithCustomers()
    feed.catalog.missing.set('age', '7')
    const both = { ...moved, columns: grown.columns }
    await feed.take(...transaction(0x100n, wire.relation(both), wire.insert(1, ['1', 'Ada', '3'])))
    assert.deepEqual(feed.batch()?.tables, {
      'public.customers': [
        'shape 100/2 2(id,name,age) {"age":"7"}',
        'rename 100/2 to public.people 2(id,name,age)',
      ],
      'public.people': ['I 100/2 1,Ada,3'],
    })
  })

  test('is noticed again after a restart that came before the barrier was in the log', async () => {
    const messages = transaction(
      0x100n,
      wire.relation(CUSTOMERS),
      wire.insert(1, ['1', 'Ada']),
      wire.relation(grown),
      wire.insert(1, ['2', 'Bob', '3']),
    )
    const feed = await feedWithCustomers({ lsn: 0x100n, ordinal: 2, end: false })
    await feed.take(...messages)
    assert.deepEqual(feed.batch()?.tables, {
      'public.customers': ['shape 100/4 2(id,name,age) {"age":null}', 'I 100/4 2,Bob,3'],
    })
  })

  test('is described again when the server repeats itself, for a column may be another of the same name', async () => {
    const feed = await feedWithCustomers()
    await feed.take(
      ...transaction(0x100n, wire.relation(CUSTOMERS), wire.insert(1, ['1', 'Ada'])),
      ...transaction(0x200n, wire.relation(CUSTOMERS), wire.insert(1, ['2', 'Bob'])),
    )
    assert.equal(feed.catalog.asked, 2)
  })

  test('in a way that the log cannot tell has loads before its barrier voided, or stops, or is told', async () => {
    const change = transaction(0x100n, wire.relation(grown), wire.insert(1, ['1', 'Ada', '3']))
    const text = 'column age is new, and what rows have in it is not known'
    const cases = [['resync', true], ['ignore', undefined]] as const // prettier-ignore
    for (const [ddl, isAmbiguous] of cases) {
      const feed = await feedWithCustomers(undefined, ddl)
      await feed.take(...change)
      const [item] = feed.pending.take()!.tables.get(CUSTOMERS_ID)!
      assert.equal(item?.type === 'shape' && item.isAmbiguous, isAmbiguous)
      const isReloaded = ddl === 'resync'
      const told = { type: 'ddl-ambiguous', table: CUSTOMERS_ID, changes: [text], isReloaded }
      assert.deepEqual(feed.events, [told])
    }
    const feed = await feedWithCustomers(undefined, 'stop')
    await assert.rejects(feed.take(...change), { code: 'DDL_AMBIGUOUS', message: new RegExp(text) })
  })

  test('is a barrier of its own for each of two changes with a row between', async () => {
    const feed = await feedWithCustomers()
    const shrunk = { ...CUSTOMERS, columns: ['id', 'age'] }
    await feed.take(
      ...transaction(0x100n, wire.relation(grown), wire.insert(1, ['1', 'Ada', '3'])),
      ...transaction(0x200n, wire.relation(shrunk), wire.insert(1, ['2', '4'])),
    )
    assert.deepEqual(feed.batch()?.tables, {
      'public.customers': [
        'shape 100/2 2(id,name,age) {"age":null}',
        'I 100/2 1,Ada,3',
        'shape 200/2 3(id,-name,age) {}',
        'I 200/2 2,4',
      ],
    })
  })
})

describe('what a server must not send', () => {
  const relation = wire.relation(CUSTOMERS)
  const cases: [name: string, messages: Buffer[], code: string][] = [
    ['a row outside of a transaction', [wire.insert(1, ['1', 'Ada'])], 'PROTOCOL_VIOLATION'],
    ['a truncate outside of a transaction', [wire.truncate([1])], 'PROTOCOL_VIOLATION'],
    [
      'a row behind the end of its transaction',
      [...transaction(0x100n, relation), wire.insert(1, ['1', 'Ada'])],
      'PROTOCOL_VIOLATION',
    ],
    [
      'a row of a table it has not described',
      [begin(0x100n), wire.insert(1, ['1', 'Ada'])],
      'PROTOCOL_VIOLATION',
    ],
    [
      'a truncate of a table it has not described',
      [begin(0x100n), wire.truncate([1])],
      'PROTOCOL_VIOLATION',
    ],
    [
      'a prepared transaction',
      [wire.beginPrepare({ xid: 7, gid: 'g', prepareLsn: 1n, endLsn: 2n })],
      'SLOT_UNFIT',
    ],
  ]
  for (const [name, messages, code] of cases) {
    test(`is refused: ${name}`, async () => {
      await assert.rejects(new Feed().take(...messages), { code })
    })
  }
})

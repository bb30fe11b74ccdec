/**
 * The border between a load and the stream: a load at an LSN holds exactly the transactions whose
 * commit LSN is below it, and the stream brings all others.
 *
 * Fifty slots are made while twelve writers commit without a pause, each with its load, and beside
 * some streams one more load under the snapshot of a temporary slot. They are a chain:
 *
 *   load ──commits from its LSN on──► next load ──commits from its LSN on──► … ──► the table
 *
 * Changes are applied so strictly that an insert of a row that is there, or a change of one that is
 * not, fails: a row that was lost or doubled cannot hide behind another change.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { PostgresSource } from '../../src/capture/postgres/postgres-source.ts'
import type { LoadableTable, LoadSnapshot, OpenSlot } from '../../src/capture/source.ts'
import type { Lsn } from '../../src/core/lsn.ts'
import { systemClock } from '../../src/system-clock.ts'
import { testServer, type TestDatabase } from '../support/postgres.ts'
import { startCounting } from './support/counting-writers.ts'
import { CommitReader, readCopy, type Rows, type StreamedCommit } from './support/streamed-rows.ts'

const SLOTS = 50
const WRITERS = 12
const LATER_LOAD_EVERY = 5
const NEVER = new AbortController().signal

test('a load holds exactly the commits below its LSN, and the stream all others', async (t) => {
  await using server = await testServer({
    max_replication_slots: '60',
    // Commits follow each other closely, so that some stand right at the border.
    fsync: 'off',
    synchronous_commit: 'off',
  })
  await using source = await server.database()
  await source.query(`create schema app; create table app.t (id text primary key, n int not null)`)
  await using writers = startCounting(source.url, WRITERS)
  let before: SlotAndLoad | null = null
  let commits = 0
  let atTheBorder = 0
  try {
    for (let i = 0; i < SLOTS; i++) {
      const next: SlotAndLoad = await openSlot(source, i)
      if (before !== null) commits += await before.follow(next.load)
      await before?.slot[Symbol.asyncDispose]()
      before = next
      if ((await next.firstCommit()).lsn === next.load.lsn) atTheBorder++
      if (i % LATER_LOAD_EVERY === 0) commits += await next.follow(await next.laterLoad())
    }
    await writers.stop()
    commits += await before!.followToTheEnd(source)
  } finally {
    await before?.slot[Symbol.asyncDispose]()
  }

  t.diagnostic(
    `${commits} commits; at ${atTheBorder} of ${SLOTS} slots the first one had the LSN of the load, ` +
      'and was not in it',
  )
  assert.ok(atTheBorder > 0, 'no slot met the case that tells "below" from "up to"')
})

interface Load {
  readonly lsn: Lsn
  readonly rows: Rows
}

class SlotAndLoad {
  readonly slot: OpenSlot
  /** The last one that the stream has reached. */
  load: Load
  readonly #commits: CommitReader
  readonly #laterLoad: () => Promise<Load>

  constructor(slot: OpenSlot, load: Load, laterLoad: () => Promise<Load>) {
    this.slot = slot
    this.load = load
    this.#laterLoad = laterLoad
    this.#commits = new CommitReader(slot.stream)
  }

  firstCommit(): Promise<StreamedCommit> {
    return this.#commits.peek()
  }

  /** Under the snapshot of a temporary slot, once the stream has something that it holds. */
  async laterLoad(): Promise<Load> {
    return this.#laterLoad()
  }

  /** Proves the next load. Resolves to how many commits stand between. */
  async follow(next: Load): Promise<number> {
    assert.ok(next.lsn > this.load.lsn)
    const rows = new Map(this.load.rows)
    let count = 0
    for (; (await this.#commits.peek()).lsn < next.lsn; count++) {
      this.#apply(rows, await this.#commits.next())
    }
    assert.deepEqual(rows, next.rows)
    this.load = next
    return count
  }

  async followToTheEnd(source: TestDatabase): Promise<number> {
    // The last row of all: whoever has read it has read everything.
    await source.query(`insert into app.t values ('end', 0)`)
    const rows = new Map(this.load.rows)
    let count = 0
    for (; !rows.has('end'); count++) this.#apply(rows, await this.#commits.next())
    const found = await source.query('select id, n from app.t')
    assert.deepEqual(rows, new Map(found.map(({ id, n }) => [String(id), String(n)])))
    return count
  }

  #apply(rows: Map<string, string>, { lsn, changes }: StreamedCommit): void {
    assert.ok(lsn >= this.load.lsn, 'a new slot streams nothing that its snapshot holds')
    for (const { op, id, n } of changes) {
      const where = `${op} of ${id} at ${lsn}, load at ${this.load.lsn}`
      assert.equal(rows.has(id), op !== 'insert', where)
      if (op === 'delete') rows.delete(id)
      else rows.set(id, n)
    }
  }
}

async function openSlot({ url, name }: TestDatabase, i: number): Promise<SlotAndLoad> {
  const source = new PostgresSource({
    url,
    task: `t${i}`,
    slot: `${name}_${i}`,
    publication: { name, isOurs: true },
    load: 'full-load-and-cdc',
    isSelected: ({ namespace }) => namespace === 'app',
    clock: systemClock,
    newId: () => `${name}_${i}`,
  })
  const { tables } = await source.prepare()
  const [table] = tables
  const slot = await source.open({ mayCreate: true, mayStream: false }, NEVER)
  const laterLoad = async (): Promise<Load> => {
    await using snapshot = await source.snapshot(NEVER)
    return await readLoad(snapshot, table!) // or the snapshot would end at once
  }
  return new SlotAndLoad(slot, await readLoad(slot.snapshot!, table!), laterLoad)
}

async function readLoad(snapshot: LoadSnapshot, table: LoadableTable): Promise<Load> {
  await using copy = await snapshot.open(table)
  return { lsn: snapshot.lsn, rows: await readCopy(copy.rows([0, 1])) }
}

/** What `source.ddl` says about changes that the log cannot tell, and that nothing of it is forgotten. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { openTask } from '../../src/compose.ts'
import { loadConfig } from '../../src/config/load.ts'
import type { TaskEvent } from '../../src/core/events.ts'
import { compareTables } from '../../src/demo/compare.ts'
import { taskFolder, type TaskFolder } from '../e2e/support/task-folder.ts'
import { queryWarehouse } from '../e2e/support/warehouse.ts'
import { testDatabase, type TestDatabase } from '../support/postgres.ts'

const TABLE = { namespace: 'app', name: 'orders' }

/** The value of each row is another one, and its type is not one to which it could be followed. */
const CHANGE = `alter table app.orders alter v type varchar(20) using 'no. ' || v * 2;
  insert into app.orders values (100, 'after')`

async function source(): Promise<TestDatabase> {
  const db = await testDatabase()
  await db.query(`create schema app; create table app.orders (id int primary key, v int);
    insert into app.orders select g, g from generate_series(1, 20) g`)
  return db
}

class Run {
  readonly events: TaskEvent[] = []
  readonly #stop = new AbortController()

  /** Runs the task until `isTrue`, or until it ends by itself; then stops it, and resolves to its error. */
  static async until(
    folder: TaskFolder,
    isTrue: (run: Run) => boolean,
  ): Promise<{ run: Run; error: unknown }> {
    const { config } = loadConfig(folder.config, process.env)
    const run = new Run()
    await using task = await openTask(config, (event) => void run.events.push(event))
    const ended = new AbortController()
    const done = task.run(run.#stop.signal).finally(() => ended.abort())
    done.catch(() => {})
    for (let i = 0; i < 1200 && !ended.signal.aborted && !isTrue(run); i++) await sleep(50)
    run.#stop.abort()
    const error = await done.then(
      () => null,
      (reason: unknown) => reason,
    )
    return { run, error }
  }

  get isStreaming(): boolean {
    return this.events.some((e) => e.type === 'capture-state' && e.state === 'streaming')
  }

  get loads(): number {
    return this.events.filter(({ type }) => type === 'load-ended').length
  }

  get joins(): number {
    return this.events.filter((e) => e.type === 'straggler' && e.state === 'joined').length
  }

  get told(): readonly boolean[] {
    return this.events.flatMap((e) => (e.type === 'ddl-ambiguous' ? [e.isReloaded] : []))
  }

  /** Whether the target has rows of the log beyond those of its loads. */
  get hasApplied(): boolean {
    return this.events.some((e) => e.type === 'applied' && e.changes > 0)
  }
}

async function differences(db: TestDatabase, folder: TaskFolder): Promise<number> {
  const client = await db.client()
  let found = 0
  await queryWarehouse(folder.warehouse, async (query) => {
    for (const { missing, extra, different } of await compareTables(client, query, [TABLE])) {
      found += missing + extra + different
    }
  })
  return found
}

function settings(ddl: string, lookEvery = '200ms') {
  return { source: { ddl, lookEvery } }
}

describe('a change that the log cannot tell', () => {
  test('is loaded again in the next run, if the one before ended between its barrier and the load', async () => {
    await using db = await source()
    await using folder = await taskFolder(db.url, settings('resync', '1h'))
    await Run.until(folder, (run) => run.joins === 1)
    await db.query(CHANGE)
    const { run: first } = await Run.until(folder, ({ told }) => told.length > 0)
    assert.deepEqual([first.told, first.loads], [[true], 0])
    assert.ok((await differences(db, folder)) > 0)
    const { run: next, error } = await Run.until(folder, (run) => run.joins === 1)
    assert.equal(error, null)
    assert.deepEqual([next.told, next.loads], [[], 1])
    assert.equal(await differences(db, folder), 0)
  })

  test('stops the task if that is the policy, each time, until it is another', async () => {
    await using db = await source()
    await using folder = await taskFolder(db.url, settings('stop'))
    await Run.until(folder, (run) => run.joins === 1)
    await db.query(CHANGE)
    for (let i = 0; i < 2; i++) {
      const { run, error } = await Run.until(folder, () => false)
      assert.equal((error as { code?: string }).code, 'DDL_AMBIGUOUS')
      assert.equal(run.loads, 0)
    }
    await folder.configure(settings('resync'))
    const { run } = await Run.until(folder, ({ joins }) => joins === 1)
    assert.equal(run.loads, 1)
    assert.equal(await differences(db, folder), 0)
  })

  test('is told and not loaded if that is the policy, and the stream goes on', async () => {
    await using db = await source()
    await using folder = await taskFolder(db.url, settings('ignore'))
    await Run.until(folder, (run) => run.joins === 1)
    await db.query(CHANGE)
    const { run, error } = await Run.until(folder, ({ hasApplied }) => hasApplied)
    assert.equal(error, null)
    assert.deepEqual([run.told, run.loads], [[false], 0])
    await queryWarehouse(folder.warehouse, async (query) => {
      const rows = await query(`select v from app.orders where id in (7, 100) order by id`)
      assert.deepEqual(rows, [['7'], ['after']])
    })
  })

  test('is not said to be loaded again where nothing is loaded', async () => {
    // The event said that the table is loaded again, and `load: cdc` never does.
    await using db = await source()
    await using folder = await taskFolder(db.url, { ...settings('resync'), load: 'cdc' })
    await Run.until(folder, ({ isStreaming }) => isStreaming)
    await db.query(`insert into app.orders values (50, 1)`)
    await Run.until(folder, ({ hasApplied }) => hasApplied)
    await db.query(CHANGE)
    const { run } = await Run.until(folder, ({ told }) => told.length > 0)
    assert.deepEqual([run.told, run.loads], [[false], 0])
  })
})

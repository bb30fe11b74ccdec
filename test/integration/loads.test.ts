/** Loads against a real server: what a snapshot sees, and what may happen to a table before its copy. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { Loader } from '../../src/capture/loads/loader.ts'
import type { PageRange } from '../../src/capture/loads/page-ranges.ts'
import type { LoadableTable, RangeCopy, Source, TableCopy } from '../../src/capture/source.ts'
import { TrackedTables } from '../../src/capture/tables/tracked-tables.ts'
import { CodedError } from '../../src/core/errors.ts'
import type { LoadEvent } from '../../src/core/events.ts'
import { lsn } from '../../src/core/lsn.ts'
import type { LoadEntry } from '../../src/core/manifest.ts'
import { mergeShape } from '../../src/core/shape-diff.ts'
import { tableId } from '../../src/core/table.ts'
import { LogReader } from '../../src/lake/log/log-reader.ts'
import { LogWriter } from '../../src/lake/log/log-writer.ts'
import { Shapes } from '../../src/lake/shapes.ts'
import { MemoryStore } from '../../src/storage/memory-store.ts'
import { systemClock } from '../../src/system-clock.ts'
import { RUN } from '../support/manifests.ts'
import { testDatabase, type TestDatabase } from '../support/postgres.ts'
import { noConnections, sourceOf, until } from './support/source.ts'

interface LoadOptions {
  readonly source?: Source
  /** Happens once, between a snapshot and the lock on a table. */
  readonly meanwhile?: () => Promise<unknown>
  readonly signal?: AbortSignal
  readonly partBytes?: number
  readonly parallel?: number
  readonly rangeBytes?: number
  readonly tables?: (tables: TrackedTables) => void
}

interface Loaded {
  /** Header and rows of the last complete load of each table, without the columns of the lake. */
  readonly tables: Readonly<Record<string, readonly string[]>>
  readonly entries: readonly LoadEntry[]
  readonly events: readonly LoadEvent[]
}

/** Loads all tables of the database as capture does. */
async function load(db: TestDatabase, options: LoadOptions = {}): Promise<Loaded> {
  const source = disturbed(options.source ?? sourceOf(db), options.meanwhile)
  const store = new MemoryStore()
  const shapes = new Shapes(store)
  const reader = new LogReader({ store, shapes, rollupEvery: 1000 })
  const parts = { store, shapes, reader, rollups: reader.rollups, clock: systemClock }
  const log = new LogWriter({ ...parts, writer: 'w1', format: 'csv' })
  await log.open(await reader.recover(), RUN, { lsn: lsn(1n), timeline: 1 })
  const tables = new TrackedTables({ isSelected: () => true, catalog: source.catalog })
  options.tables?.(tables)
  const entries: LoadEntry[] = []
  const events: LoadEvent[] = []
  let ids = 0
  const loader = new Loader({
    source,
    log,
    tables,
    clock: systemClock,
    limits: {
      parallel: options.parallel ?? 2,
      partBytes: options.partBytes ?? 1 << 20,
      rangeBytes: options.rangeBytes ?? 1 << 28,
      maxRowsPerSecond: null,
    },
    newId: () => `load${++ids}`,
    emit: (event) => {
      if (event.type.startsWith('load-')) events.push(event as LoadEvent)
    },
    queue: (entry) => void entries.push(entry),
  })
  const { tables: all } = await source.prepare()
  await loader.run(
    all.map((table) => ({ table, for: 'all', isReload: false })),
    null,
    options.signal ?? new AbortController().signal,
  )
  return { tables: await contents(store, entries), entries, events }
}

/** The same source, but for something that happens behind the back of its first snapshot. */
function disturbed(source: Source, meanwhile: LoadOptions['meanwhile']): Source {
  let left = meanwhile
  return opening(source, async (open) => {
    const happens = left
    left = undefined
    await happens?.()
    return open()
  })
}

/** The same source, whose tables are opened by `how`. */
function opening(
  source: Source,
  how: (open: () => Promise<TableCopy>, table: LoadableTable) => Promise<TableCopy>,
): Source {
  return {
    catalog: source.catalog,
    prepare: () => source.prepare(),
    open: (options, signal) => source.open(options, signal),
    async snapshot(signal) {
      const snapshot = await source.snapshot(signal)
      return {
        lsn: snapshot.lsn,
        open: (table) => how(() => snapshot.open(table), table),
        [Symbol.asyncDispose]: () => snapshot[Symbol.asyncDispose](),
      }
    },
  }
}

async function contents(store: MemoryStore, entries: readonly LoadEntry[]) {
  const tables: Record<string, string[]> = {}
  for (const end of entries) {
    if (end.type !== 'load-end') continue
    const lines: string[] = []
    let rows = 0
    for (const part of entries) {
      if (part.type !== 'load-part' || part.load !== end.load) continue
      const [header, ...rest] = String(await store.get(part.path))
        .trimEnd()
        .split('\n')
      if (lines.length === 0) lines.push(columnsOf(header!))
      lines.push(...rest.map(columnsOf).toSorted())
      rows += part.rows
      assert.equal(rest.length, part.rows)
    }
    assert.equal(rows, end.rows)
    tables[end.table] = lines
  }
  return tables
}

/** The line without the six columns of the lake. */
function columnsOf(line: string): string {
  return line.replace(/^(?:[^,]*,){6}/, '')
}

const ROWS = `insert into t values (1, 'a'), (2, 'b'), (3, 'c')`

async function withTable(db: TestDatabase): Promise<void> {
  await db.query(`create table t (id int primary key, note text); ${ROWS}`)
}

describe('a table that is another one when its lock is there', () => {
  const original = ['id,note', '1,a', '2,b', '3,c']
  const cases: { name: string; sql: string[]; rows: string[] | null; also?: string }[] = [
    {
      name: 'because it was truncated',
      sql: [`truncate t`, `insert into t values (9, 'new')`],
      rows: ['id,note', '9,new'],
    },
    { name: 'because it was written anew', sql: ['vacuum full t'], rows: original },
    {
      name: 'because a type was changed',
      sql: ['alter table t alter id type bigint'],
      rows: original,
    },
    {
      name: 'because a type was changed without a rewrite',
      sql: ['alter table t alter note type varchar'],
      rows: original,
    },
    {
      // The copy named a column that was no more, and capture stopped with an error without a code.
      name: 'because it lost a column',
      sql: ['alter table t drop column note'],
      rows: ['id', '1', '2', '3'],
    },
    {
      name: 'because it got a column',
      sql: ['alter table t add extra int default 7'],
      rows: ['id,note,extra', '1,a,7', '2,b,7', '3,c,7'],
    },
    {
      // A column that went and came again has other values; the snapshot's were asked for by name.
      name: 'because a column went and came again',
      sql: [`alter table t drop column note, add column note text default 'again'`],
      rows: ['id,note', '1,again', '2,again', '3,again'],
    },
    {
      name: 'because a column has another name',
      sql: ['alter table t rename note to remark'],
      rows: ['id,remark', '1,a', '2,b', '3,c'],
    },
    {
      // The table of the snapshot was gone, which was taken for "stored where it was": an empty load.
      name: 'because it was dropped and made again',
      sql: [`drop table t`, `create table t (id int primary key, note text)`, ROWS],
      rows: original,
    },
    {
      // The name led to another table, whose rows were loaded as those of the first.
      name: 'because another one has taken its name',
      sql: [
        `create table u (id int primary key, note text)`,
        `insert into u values (5, 'other')`,
        `alter table t rename to old`,
        `alter table u rename to t`,
      ],
      rows: ['id,note', '5,other'],
      also: 'public.old',
    },
  ]
  for (const { name, sql, rows, also } of cases) {
    test(`${name} is loaded again as it is now`, async () => {
      await using db = await testDatabase()
      await withTable(db)
      const meanwhile = async () => {
        for (const statement of sql) await db.query(statement)
      }
      const { tables, events } = await load(db, { meanwhile })
      assert.deepEqual(tables['public.t'], rows)
      assert.deepEqual(
        Object.keys(tables).toSorted(),
        ['public.t', ...(also ? [also] : [])].toSorted(),
      )
      if (also) assert.deepEqual(tables[also], original)
      assert.ok(events.filter(({ type }) => type === 'load-ended').length >= 1)
      await noConnections(db)
    })
  }

  test('because it was dropped for good is not waited for', { timeout: 20_000 }, async () => {
    // It was tried again under one snapshot after the other, for ever.
    await using db = await testDatabase()
    await withTable(db)
    await db.query('create table other (id int primary key)')
    const { tables } = await load(db, { meanwhile: () => db.query('drop table t') })
    assert.deepEqual(Object.keys(tables), ['public.other'])
    await noConnections(db)
  })

  test('because it has another name is loaded under that', { timeout: 20_000 }, async () => {
    await using db = await testDatabase()
    await withTable(db)
    const meanwhile = () => db.query('alter table t rename to renamed')
    const { tables } = await load(db, { meanwhile })
    assert.deepEqual(tables, { 'public.renamed': original })
  })

  test('because a partition was truncated is loaded again', async () => {
    await using db = await testDatabase()
    await db.query(`create table t (id int primary key, note text) partition by range (id);
      create table t1 partition of t for values from (0) to (10);
      create table t2 partition of t for values from (10) to (20);
      insert into t values (1, 'a'), (11, 'b')`)
    const { tables } = await load(db, { meanwhile: () => db.query('truncate t1') })
    assert.deepEqual(tables, { 'public.t': ['id,note', '11,b'] })
  })
})

describe('a load', () => {
  test('holds what the snapshot shows, whatever was committed since', async () => {
    await using db = await testDatabase()
    await withTable(db)
    const meanwhile = () =>
      db.query(`insert into t values (4, 'd'); delete from t where id = 1; update t set note = 'z'`)
    const { tables, events } = await load(db, { meanwhile })
    assert.deepEqual(tables['public.t'], ['id,note', '1,a', '2,b', '3,c'])
    assert.ok(!events.some(({ type }) => type === 'load-cancelled'))
  })

  test('of an empty table has no part', async () => {
    await using db = await testDatabase()
    await db.query('create table t (id int primary key)')
    const { entries } = await load(db)
    assert.deepEqual(
      entries.map(({ type }) => type),
      ['load-begin', 'load-end'],
    )
    const [, end] = entries
    assert.equal(end?.type === 'load-end' && end.rows, 0)
  })

  test('is cut into parts after whole rows', async () => {
    await using db = await testDatabase()
    await db.query(`create table t (id int primary key, note text);
      insert into t select i, repeat('x', 1000) from generate_series(1, 100) i`)
    const { entries, tables } = await load(db, { partBytes: 20_000 })
    const parts = entries.filter(({ type }) => type === 'load-part')
    assert.ok(parts.length >= 5 && parts.length <= 7, `${parts.length} parts`)
    assert.equal(tables['public.t']?.length, 101)
  })

  test('has rows of several megabytes, byte for byte', async () => {
    await using db = await testDatabase()
    await db.query(`create table t (id int primary key, note text);
      alter table t alter note set storage external;
      insert into t select i, repeat(chr(96 + i), 3000000) from generate_series(1, 3) i`)
    const { tables } = await load(db)
    const expected = [1, 2, 3].map((i) => `${i},${String.fromCodePoint(96 + i).repeat(3_000_000)}`)
    assert.ok(tables['public.t']?.slice(1).join('\n') === expected.join('\n'))
  })

  test('of a partitioned table is one, of its root', async () => {
    await using db = await testDatabase()
    await db.query(`create table t (id int primary key, note text) partition by range (id);
      create table t1 partition of t for values from (0) to (10);
      create table t2 partition of t for values from (10) to (20) partition by range (id);
      create table t3 partition of t2 for values from (10) to (15);
      insert into t values (1, 'a'), (11, 'b')`)
    const { tables } = await load(db)
    assert.deepEqual(tables, { 'public.t': ['id,note', '1,a', '11,b'] })
  })

  test('leaves out generated columns, as the stream does, and dropped ones', async () => {
    await using db = await testDatabase()
    await db.query(`create table t (id int primary key, gone int, twice int generated always as (id * 2) stored, note text);
      alter table t drop column gone;
      insert into t values (1, default, 'a')`)
    const { tables } = await load(db)
    assert.deepEqual(tables, { 'public.t': ['id,note', '1,a'] })
  })

  test('leaves the place of a column empty that the lake had, also for heirs of the table', async () => {
    // A query was needed for the empty place, and it also read the rows of tables that inherit.
    await using db = await testDatabase()
    await withTable(db)
    await db.query(`create table heir (primary key (id)) inherits (t);
      insert into heir values (8, 'heir')`)
    const [row] = await db.query(`select 't'::regclass::oid::int as oid`)
    const table = { namespace: 'public', name: 't' }
    const type = { oid: 23, name: 'int4', modifier: -1 }
    const text = { oid: 25, name: 'text', modifier: -1 }
    const columns = [
      { name: 'id', type },
      { name: 'gone', type },
      { name: 'note', type: text },
    ]
    const shape = mergeShape(null, { table, oid: Number(row?.['oid']), columns, key: ['id'] })
    const { tables } = await load(db, {
      tables: (known) => known.introduce({ id: tableId(table), shape }),
    })
    assert.deepEqual(tables, {
      'public.heir': ['id,note', '8,heir'],
      'public.t': ['id,gone,note', '1,,a', '2,,b', '3,,c'],
    })
  })

  test('takes names of any kind', async () => {
    await using db = await testDatabase()
    await db.query(`create schema "we""ird Schema";
      create table "we""ird Schema"."t.a'b\\c" ("Id" int primary key, "select" text, "a,b""c" text, "é" text);
      insert into "we""ird Schema"."t.a'b\\c" values (1, 'x', '', null)`)
    const { tables } = await load(db)
    assert.deepEqual(Object.values(tables), [['Id,select,"a,b""c",é', '1,x,"",']])
  })

  test('has the text that the stream has, whatever the database says', async () => {
    await using db = await testDatabase()
    await db.query(`do $$ begin
        execute format('alter database %I set datestyle = ''German''', current_database());
        execute format('alter database %I set timezone = ''Asia/Tokyo''', current_database());
        execute format('alter database %I set bytea_output = ''escape''', current_database());
        execute format('alter database %I set intervalstyle = ''iso_8601''', current_database());
      end $$;
      create table t (id int primary key, at timestamptz, day date, raw bytea, span interval);
      insert into t values (1, '2026-01-02 03:04:05+00', '2026-01-02', '\\x0041', '1 day 2 hours')`)
    const { tables } = await load(db)
    assert.deepEqual(
      tables['public.t']?.at(-1),
      '1,2026-01-02 03:04:05+00,2026-01-02,\\x0041,1 day 02:00:00',
    )
  })

  test('says how many rows it will have, as far as the server knows', async () => {
    await using db = await testDatabase()
    await db.query(`
      create table grown (id int primary key);
      create table split (id int primary key) partition by range (id);
      create table split_low partition of split for values from (0) to (1000);
      create table split_high partition of split for values from (1000) to (9000);
      create table unseen (id int primary key);
      alter table unseen set (autovacuum_enabled = off);
      insert into grown select generate_series(1, 2000);
      insert into split select generate_series(1, 900);
      insert into unseen values (1);
      analyze grown, split;
      insert into grown select generate_series(2001, 6000)`)
    const { events } = await load(db)
    const estimates = events.flatMap((event) =>
      event.type === 'load-began' ? [[event.table, event.estimatedRows] as const] : [],
    )
    const of = Object.fromEntries(estimates)
    assert.ok(Math.abs(of['public.grown']! - 6000) < 300, `grown: ${of['public.grown']}`)
    assert.equal(of['public.split'], 900)
    assert.equal(of['public.unseen'], null)
  })

  test('says where it stands: the head before it, its LSN, its shape', async () => {
    await using db = await testDatabase()
    await withTable(db)
    const [before] = await db.query('select pg_current_wal_insert_lsn() as lsn')
    const { entries } = await load(db)
    const [begin] = entries
    assert.ok(begin?.type === 'load-begin')
    assert.equal(begin.since, 1)
    assert.equal(begin.for, 'all')
    const [row] = await db.query(
      'select $1::text::numeric >= ($2::pg_lsn - $3::pg_lsn) as is_after',
      [String(begin.lsn), before?.['lsn'], '0/0'],
    )
    assert.equal(row?.['is_after'], true)
  })
})

describe('what we may not read', () => {
  async function asReader(db: TestDatabase, sql: string): Promise<Source> {
    const role = `reader_${db.name}`
    await db.query(
      `create role ${role} login replication password 'secret'; ${sql.replaceAll('ROLE', role)}`,
    )
    const url = new URL(db.url)
    url.username = role
    url.password = 'secret'
    return sourceOf(db, { url: url.href, publication: { name: 'given', isOurs: false } })
  }

  const publication =
    'create publication given for all tables with (publish_via_partition_root = true)'

  test('is an error with the name of the table', async () => {
    await using db = await testDatabase()
    await withTable(db)
    await using _ = droppedRole(db)
    const source = await asReader(db, publication)
    await assert.rejects(load(db, { source }), { code: 'PERMISSION_DENIED', message: /\bt\b/ })
    await noConnections(db)
  })

  test('is an error too where a policy would hide rows', async () => {
    // COPY leaves out such rows without a word, and the load was short of them.
    await using db = await testDatabase()
    await withTable(db)
    await using _ = droppedRole(db)
    const source = await asReader(
      db,
      `${publication}; grant select on t to ROLE; alter table t enable row level security;
       create policy odd on t using (id % 2 = 1)`,
    )
    await assert.rejects(load(db, { source }), { code: 'PERMISSION_DENIED' })
    await noConnections(db)
  })

  function droppedRole(db: TestDatabase): AsyncDisposable {
    const role = `reader_${db.name}`
    return {
      [Symbol.asyncDispose]: async () => {
        await db.query(`drop owned by ${role}; drop role ${role}`)
      },
    }
  }
})

function waiting(db: TestDatabase, role: string): string {
  return `select pid from pg_stat_activity where datname = '${db.name}'
    and application_name = 'millrace test: ${role}' and wait_event_type = 'Lock'`
}

describe('the preparations', () => {
  test('do not wait for a table that is locked', { timeout: 20_000 }, async () => {
    // The size of each table was asked for, which waits for whoever alters it, as long as he likes.
    await using db = await testDatabase()
    await withTable(db)
    await db.query('analyze t')
    const source = sourceOf(db)
    await source.prepare()
    const blocker = await db.client()
    await blocker.query('begin; lock table t in access exclusive mode')
    const { tables } = await source.prepare()
    assert.equal(tables[0]?.estimatedRows, 3)
    assert.ok(tables[0].estimatedBytes >= 8192)
  })
})

describe('a load that is stopped', () => {
  test('does not wait for a table that is locked', { timeout: 20_000 }, async () => {
    // Ctrl-C during a load waited for whoever held the lock, and then failed with an AbortError.
    await using db = await testDatabase()
    await withTable(db)
    const blocker = await db.client()
    const stop = new AbortController()
    const meanwhile = () => blocker.query('begin; lock table t in access exclusive mode')
    const loading = load(db, { signal: stop.signal, meanwhile })
    await until(db, `${waiting(db, 'load')} and query like 'LOCK TABLE%'`)
    stop.abort()
    const { tables } = await loading
    assert.deepEqual(tables, {})
    await blocker.query('rollback')
    await noConnections(db)
  })

  test(
    'does not wait for a snapshot that waits for an open transaction',
    { timeout: 20_000 },
    async () => {
      await using db = await testDatabase()
      await withTable(db)
      const blocker = await db.client()
      await blocker.query('begin; insert into t values (7, null)')
      const stop = new AbortController()
      const loading = load(db, { signal: stop.signal })
      const waits = `${waiting(db, 'snapshot')} and query like 'CREATE_REPLICATION_SLOT%'`
      await until(db, waits)
      stop.abort()
      await assert.rejects(loading, { code: 'CONNECTION_LOST' })
      await blocker.query('rollback')
      await noConnections(db)
    },
  )

  test('breaks off the copies that are under way when one fails for good', async () => {
    await using db = await testDatabase()
    await db.query(`create table a (id int primary key, note text);
      create table b (id int primary key, note text);
      insert into a select i, repeat('x', 1000) from generate_series(1, 20000) i;
      insert into b values (1, 'b')`)
    const source = sourceOf(db)
    const failing = opening(source, async (open, table) => {
      if (table.name.name === 'b') throw new Error('a bug')
      return open()
    })
    await assert.rejects(load(db, { source: failing }), { message: 'a bug' })
    await noConnections(db)
  })

  test('goes on under another snapshot when the first one dies', async () => {
    await using db = await testDatabase()
    await withTable(db)
    const meanwhile = () =>
      db.query(`select pg_terminate_backend(pid) from pg_stat_activity
        where datname = '${db.name}' and application_name = 'millrace test: load'`)
    const { tables } = await load(db, { meanwhile })
    assert.deepEqual(tables, { 'public.t': ['id,note', '1,a', '2,b', '3,c'] })
    await noConnections(db)
  })
})

describe('a load in ranges', () => {
  const LARGE = `create table t (id int primary key, note text);
    insert into t select i, repeat(md5(i::text), 10) from generate_series(1, 7000) i`
  const expected = `select id || ',' || note as line from t`

  async function pagesOf(db: TestDatabase): Promise<number> {
    const [row] = await db.query(`select pg_relation_size('t') / 8192 as pages`)
    return Number(row?.['pages'])
  }

  async function linesOf(db: TestDatabase): Promise<string[]> {
    return (await db.query(expected)).map(({ line }) => String(line)).toSorted()
  }

  test('has the rows of the snapshot, each once, while the table changes and grows', async () => {
    await using db = await testDatabase()
    await db.query(LARGE)
    // Some ranges have no row any more.
    await db.query('delete from t where id between 2000 and 5000')
    const lines = await linesOf(db)
    const meanwhile = () =>
      db.query(`update t set note = 'later' where id % 3 = 0; delete from t where id % 7 = 0;
        insert into t select i, repeat('new', 100) from generate_series(10000, 15000) i`)
    const options = { rangeBytes: Math.ceil((await pagesOf(db)) / 3.5) * 8192, parallel: 3 }
    const { tables } = await load(db, { ...options, meanwhile })
    assert.deepEqual(rowsOf(tables), lines)
    await noConnections(db)
  })

  test('is cut as asked for, and never has more connections than it may', async (t) => {
    await using db = await testDatabase()
    await db.query(LARGE)
    await db.query('create table other (id int primary key); insert into other values (1)')
    const [{ version } = {}] = await db.query(
      `select current_setting('server_version_num')::int as version`,
    )
    const peak = { now: 0, most: 0, ranges: 0 }
    const rangeBytes = Math.ceil((await pagesOf(db)) / 7) * 8192
    const source = counting(sourceOf(db), peak)
    const { tables, entries } = await load(db, { source, parallel: 3, rangeBytes })
    assert.deepEqual(rowsOf(tables), await linesOf(db))
    const parts = entries.filter(
      (entry) => entry.type === 'load-part' && entry.table === 'public.t',
    )
    // Before 14 a range would be a scan of the whole table.
    const isCut = Number(version) >= 140_000
    assert.equal(parts.length, isCut ? 7 : 3)
    assert.equal(peak.ranges, isCut ? 7 : 0)
    assert.ok(peak.most <= 3, `${peak.most} connections`)
    t.diagnostic(`${peak.most} connections`)
  })

  test('of a table that others wait for goes on with the connection that has it', async () => {
    // Another connection stood behind the one that waited for the first, and the first waited for it.
    await using db = await testDatabase()
    await db.query(LARGE)
    const lines = await linesOf(db)
    const blocker = await db.client()
    const source = sourceOf(db)
    let altering: Promise<unknown> | undefined
    const waits = `select 1 from pg_stat_activity where datname = '${db.name}'
      and query like 'alter table t%' and wait_event_type = 'Lock'`
    const held = opening(source, async (open) => {
      const copy = await open()
      altering ??= blocker.query('alter table t add column late int')
      await until(db, waits)
      return copy
    })
    const { tables } = await load(db, { source: held, parallel: 3, rangeBytes: 65_536 })
    await altering
    assert.deepEqual(rowsOf(tables), lines)
    await noConnections(db)
  })

  test('is cancelled as a whole when one of its connections dies, and begins again', async () => {
    await using db = await testDatabase()
    await db.query(LARGE)
    const source = sourceOf(db)
    let deaths = 0
    const dying = opening(source, async (open) => {
      const copy = await open()
      const { beside } = copy
      if (beside === undefined) return copy
      const failing = async () => {
        if (deaths++ > 0) return beside()
        throw new CodedError('CONNECTION_LOST', 'it died')
      }
      return {
        ...copy,
        beside: failing,
        [Symbol.asyncDispose]: () => copy[Symbol.asyncDispose](),
      }
    })
    const { tables, entries } = await load(db, { source: dying, parallel: 2, rangeBytes: 65_536 })
    assert.deepEqual(rowsOf(tables), await linesOf(db))
    const cancel = entries.findIndex(({ type }) => type === 'load-cancel')
    if (deaths > 0) {
      const { load: cancelled } = entries[cancel]!
      assert.ok(!entries.slice(cancel + 1).some((entry) => entry.load === cancelled))
    }
    await noConnections(db)
  })
})

function rowsOf(tables: Loaded['tables']): readonly string[] {
  return (tables['public.t'] ?? []).slice(1).toSorted()
}

/** The same source, which counts the connections that copy at a time, and the ranges. */
function counting(source: Source, peak: { now: number; most: number; ranges: number }): Source {
  const counted = <T extends RangeCopy>(copy: T): T => {
    peak.most = Math.max(peak.most, ++peak.now)
    return {
      ...copy,
      rows(places: readonly (number | null)[], range?: PageRange) {
        if (range) peak.ranges++
        return copy.rows(places, range)
      },
      async [Symbol.asyncDispose]() {
        await copy[Symbol.asyncDispose]()
        peak.now--
      },
    }
  }
  return opening(source, async (open) => {
    const copy = counted(await open())
    const { beside } = copy
    if (beside === undefined) return copy
    return {
      ...copy,
      beside: async () => {
        const another = await beside()
        return another && counted(another)
      },
    }
  })
}

/** What must be right with the source before anything begins, and the words when it is not. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { hasCode, type ErrorCode } from '../../src/core/errors.ts'
import { formatLsn } from '../../src/core/lsn.ts'
import { testDatabase, testServer, type TestDatabase } from '../support/postgres.ts'
import { noConnections, sourceOf, until } from './support/source.ts'

const TABLE = 'create table t (id int primary key, note text);'
const never = new AbortController().signal
const MAY_CREATE = { mayCreate: true, mayStream: false }
const MUST_EXIST = { mayCreate: false, mayStream: false }

/** Several mistakes are told in one error, each with what cures it. */
async function refused(trying: Promise<unknown>, code: ErrorCode, cure: string): Promise<void> {
  await assert.rejects(trying, (error: unknown) => {
    assert.ok(hasCode(error, code), String(error))
    assert.ok(`${error.message} ${error.hint}`.includes(cure), `${error.message} ${error.hint}`)
    return true
  })
}

describe('the server', () => {
  test('must have wal_level logical', async () => {
    await using server = await testServer({ wal_level: 'replica' })
    await using db = await server.database()
    await db.query(TABLE)
    await assert.rejects(sourceOf(db).prepare(), {
      code: 'WAL_LEVEL',
      message: 'wal_level of the source is "replica"; "logical" is needed',
      hint: /ALTER SYSTEM SET wal_level = 'logical'/,
    })
    // The server has one code for this and for a slot that was lost, and we took it for the latter.
    await assert.rejects(sourceOf(db).open(MAY_CREATE, never), {
      code: 'SERVER_REFUSED',
      message: /wal_level/,
    })
    await noConnections(db)
  })

  test('must have a free slot', async () => {
    await using server = await testServer({ max_replication_slots: '1' })
    await using db = await server.database()
    await db.query(TABLE)
    await db.query(`select pg_create_logical_replication_slot('taken', 'pgoutput')`)
    const source = sourceOf(db)
    await assert.rejects(source.prepare(), { code: 'NO_FREE_SLOT' })
    await assert.rejects(source.open(MAY_CREATE, never), { code: 'NO_FREE_SLOT' })
    await noConnections(db)
  })

  test('is told apart from others by its system identifier', async () => {
    await using db = await testDatabase()
    await db.query(TABLE)
    const { run } = await sourceOf(db).prepare()
    const [row] = await db.query('select system_identifier::text as id from pg_control_system()')
    assert.equal(run.systemId, row?.['id'])
    assert.equal(run.database, db.name)
  })
})

describe('the user', () => {
  async function asUser(db: TestDatabase, attributes: string) {
    const role = `Odd user ${db.name}`
    await db.query(`create role "${role}" login password 'right' ${attributes}`)
    const url = new URL(db.url)
    url.username = role
    url.password = 'right'
    return {
      url,
      role,
      [Symbol.asyncDispose]: async () => void (await db.query(`drop role "${role}"`)),
    }
  }

  test('must be allowed to replicate', async () => {
    await using db = await testDatabase()
    await db.query(TABLE)
    await using user = await asUser(db, '')
    await refused(
      sourceOf(db, { url: user.url.href }).prepare(),
      'NO_REPLICATION_RIGHT',
      `run: ALTER ROLE "${user.role}" REPLICATION`,
    )
  })

  test('may be a member of rds_replication instead', async () => {
    await using db = await testDatabase()
    await db.query(`${TABLE} create role rds_replication`)
    try {
      await using user = await asUser(db, '')
      const source = sourceOf(db, { url: user.url.href })
      const grant = `GRANT rds_replication TO "${user.role}"`
      await refused(source.prepare(), 'NO_REPLICATION_RIGHT', `run: ${grant}`)
      await db.query(grant)
      await assert.rejects(source.prepare(), { code: 'PERMISSION_DENIED' })
    } finally {
      await db.query('drop role rds_replication')
    }
  })

  const logins: [name: string, change: (url: URL) => void][] = [
    ['a user that does not exist', (url) => void (url.username = 'nobody_here')],
    ['a database that does not exist', (url) => void (url.pathname = '/nothing_here')],
  ]
  for (const [name, change] of logins) {
    test(`is refused with ${name}`, async () => {
      await using db = await testDatabase()
      const url = new URL(db.url)
      change(url)
      await assert.rejects(sourceOf(db, { url: url.href }).prepare(), {
        code: 'LOGIN_FAILED',
        message: new RegExp(`server ${url.hostname.replaceAll('.', '\\.')}:${url.port}`),
      })
    })
  }

  test('cannot connect where nobody listens', async () => {
    await using db = await testDatabase()
    const url = new URL(db.url)
    url.port = '1'
    await assert.rejects(sourceOf(db, { url: url.href }).prepare(), {
      code: 'CONNECTION_LOST',
      message: /:1\b/,
    })
  })
})

describe('the tables', () => {
  test('must be there', async () => {
    await using db = await testDatabase()
    await db.query(TABLE)
    await assert.rejects(sourceOf(db, { isSelected: () => false }).prepare(), {
      code: 'NO_TABLES',
    })
  })

  test('must have a key, or the statement is said that makes one', async () => {
    await using db = await testDatabase()
    await db.query(`${TABLE} create table "No Key" (a int); create table "None too" (a int)`)
    await assert.rejects(sourceOf(db).prepare(), {
      code: 'TABLE_WITHOUT_KEY',
      message: 'no primary key or replica identity: public.No Key, public.None too',
      hint: /^run: ALTER TABLE "public"\."No Key" ADD PRIMARY KEY \(…\); or leave it out with '!public\.No Key'/,
    })
  })

  test('may have another replica identity than their primary key', async () => {
    await using db = await testDatabase()
    await db.query(`create table a (id int, u int not null unique);
      alter table a replica identity using index a_u_key;
      create table b (id int primary key, note text);
      alter table b replica identity full`)
    const { tables } = await sourceOf(db).prepare()
    assert.deepEqual(
      tables.map(({ name }) => name.name),
      ['a', 'b'],
    )
  })

  test('that are temporary, unlogged, partitions, views or of the system are no tables of ours', async () => {
    await using db = await testDatabase()
    await db.query(`${TABLE} create unlogged table u (id int primary key);
      create view v as select 1 as id; create materialized view m as select 1 as id;
      create temporary table tmp (id int primary key);
      create table parts (id int primary key) partition by range (id);
      create table part1 partition of parts for values from (0) to (10)`)
    const { tables } = await sourceOf(db).prepare()
    assert.deepEqual(
      tables.map(({ name }) => name.name),
      ['parts', 't'],
    )
  })
})

describe('the slot', () => {
  test('is made with a snapshot, which is held until it is closed', async () => {
    await using db = await testDatabase()
    await db.query(`${TABLE} insert into t values (1, 'before')`)
    const source = sourceOf(db)
    const { tables } = await source.prepare()
    {
      await using slot = await source.open(MAY_CREATE, never)
      await db.query(`insert into t values (2, 'after')`)
      await using copy = await slot.snapshot!.open(tables[0]!)
      let text = ''
      for await (const block of copy.rows([0, 1])) text += block.toString('latin1')
      assert.match(text, /1,before\n$/)
      const [row] = await db.query(
        `select plugin, temporary, confirmed_flush_lsn::text as lsn from pg_replication_slots
          where slot_name = $1`,
        [db.name],
      )
      assert.deepEqual(row, {
        plugin: 'pgoutput',
        temporary: false,
        lsn: formatLsn(slot.confirmed),
      })
      assert.equal(slot.snapshot!.lsn, slot.confirmed)
    }
    await noConnections(db)
  })

  test('that exists is used, without a snapshot', async () => {
    await using db = await testDatabase()
    await db.query(TABLE)
    await db.query(`select pg_create_logical_replication_slot($1, 'pgoutput')`, [db.name])
    const source = sourceOf(db)
    await source.prepare()
    {
      await using slot = await source.open(MUST_EXIST, never)
      assert.equal(slot.snapshot, null)
    }
    await noConnections(db)
  })

  test('that has vanished is not made again behind the back of the lake', async () => {
    await using db = await testDatabase()
    await db.query(TABLE)
    const source = sourceOf(db)
    await source.prepare()
    await assert.rejects(source.open(MUST_EXIST, never), { code: 'SLOT_LOST' })
    assert.deepEqual(
      await db.query('select from pg_replication_slots where slot_name = $1', [db.name]),
      [],
    )
    await noConnections(db)
  })

  test('that another process reads is in use', async () => {
    await using db = await testDatabase()
    await db.query(TABLE)
    const source = sourceOf(db)
    await source.prepare()
    {
      await using _ = await source.open(MAY_CREATE, never)
      await assert.rejects(sourceOf(db).open(MUST_EXIST, never), { code: 'SLOT_IN_USE' })
    }
    await noConnections(db)
  })

  const hint = 'set source.slot to another name: a slot that does not exist is made'

  // Both look, and find no slot; the one that comes second is told that there is one. That was a bug
  // of ours to it, and ended the task.
  test('is made once by two first starts at the same time', async () => {
    await using db = await testDatabase()
    await db.query('create table t (id int primary key)')
    const sources = [sourceOf(db), sourceOf(db), sourceOf(db)]
    await sources[0]!.prepare()
    const opened = await Promise.allSettled(
      sources.map((source) => source.open({ mayCreate: true, mayStream: false }, never)),
    )
    for (const result of opened) {
      if (result.status === 'fulfilled') await result.value[Symbol.asyncDispose]()
    }
    const codes = opened.map((result) => {
      if (result.status === 'fulfilled') return 'ours'
      return hasCode(result.reason, 'SLOT_IN_USE') ? result.reason.code : String(result.reason)
    })
    assert.deepEqual(codes.toSorted(), ['SLOT_IN_USE', 'SLOT_IN_USE', 'ours'])
  })

  test('of another plugin is refused', async () => {
    await using db = await testDatabase()
    await db.query(TABLE)
    const [plugin] = await db.query(
      `select count(*)::int as count from pg_available_extensions where name = 'test_decoding'`,
    )
    assert.ok(plugin)
    await db.query(`select pg_create_physical_replication_slot($1)`, [db.name])
    try {
      await refused(sourceOf(db).open(MUST_EXIST, never), 'SLOT_UNFIT', hint)
      await noConnections(db)
    } finally {
      await db.query('select pg_drop_replication_slot($1)', [db.name])
    }
  })

  test('of another database is refused', async () => {
    await using db = await testDatabase()
    await using other = await testDatabase()
    await db.query(TABLE)
    await other.query(`select pg_create_logical_replication_slot($1, 'pgoutput')`, [db.name])
    await assert.rejects(sourceOf(db).open(MUST_EXIST, never), {
      code: 'SLOT_UNFIT',
      message: `the replication slot ${db.name} belongs to the database ${other.name}`,
      hint,
    })
  })

  test('with two_phase is refused', async () => {
    await using db = await testDatabase()
    await db.query(TABLE)
    const [{ version } = {}] = await db.query(
      `select current_setting('server_version_num')::int as version`,
    )
    if (Number(version) < 140_000) return
    await db.query(`select pg_create_logical_replication_slot($1, 'pgoutput', false, true)`, [
      db.name,
    ])
    await assert.rejects(sourceOf(db).open(MUST_EXIST, never), {
      code: 'SLOT_UNFIT',
      message: /two_phase/,
    })
    await noConnections(db)
  })

  test('is not waited for when we are told to stop', { timeout: 20_000 }, async () => {
    await using db = await testDatabase()
    await db.query(TABLE)
    const source = sourceOf(db)
    await source.prepare()
    const blocker = await db.client()
    await blocker.query(`begin; insert into t values (1, 'open')`)
    const stop = new AbortController()
    const opening = source.open(MAY_CREATE, stop.signal)
    opening.catch(() => {})
    const waits = `select pid from pg_stat_activity where datname = '${db.name}'
      and application_name = 'millrace test: stream' and wait_event_type = 'Lock'`
    await until(db, waits)
    stop.abort()
    await assert.rejects(opening, { code: 'CONNECTION_LOST' })
    await db.query(waits.replace('pid', 'pg_terminate_backend(pid)'))
    await blocker.query('rollback')
    await noConnections(db)
  })
})

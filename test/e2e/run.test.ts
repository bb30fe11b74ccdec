/** Starting, stopping and going on: what an operator sees of `millrace run`. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { parseLsn } from '../../src/core/lsn.ts'
import { freePort } from '../../src/demo/free-port.ts'
import { testDatabase, testServer, type TestDatabase } from '../support/postgres.ts'
import { runCli, startCli } from './support/cli.ts'
import { auditLake, untilManifests } from './support/lake-audit.ts'
import { taskFolder } from './support/task-folder.ts'
import { compareAll, differencesIn } from './support/warehouse.ts'

const TABLE = `create schema app; create table app.t (id int primary key, x text)`
const ROWS = `insert into app.t select g, 'x' || g from generate_series(1, 1000) g`

describe('a running task', () => {
  // The first rows fill a batch, the others wait for a flush that is far away: only the stop can
  // have written them.
  test('ends on Ctrl-C in less than 3 s, with all that it has read in the lake', async () => {
    await using source = await testDatabase()
    await source.query(TABLE)
    const listen = `127.0.0.1:${await freePort()}`
    await using folder = await taskFolder(source.url, {
      lake: { flush: { every: '10m', rows: 1000 } },
      server: { listen },
    })
    await using child = startCli(['run', '--config', folder.config])
    await child.line('capture began to stream')
    await source.query(ROWS)
    await untilManifests(folder.lake, (all) => all.at(-1)!.kind === 'changes')
    await source.query(`insert into app.t select g, 'more' from generate_series(1001, 1010) g`)
    await sentToClient(source)
    // What came before these requests was read before they were answered.
    for (let i = 0; i < 3; i++) await (await fetch(`http://${listen}/healthz`)).text()
    const began = performance.now()
    const { code, stderr } = await child.end('SIGINT')
    const ms = performance.now() - began
    assert.deepEqual([code, stderr], [0, ''])
    assert.ok(ms < 3000, `it took ${ms} ms`)
    assert.equal((await auditLake(folder.lake)).changes, 1010)
  })

  test('ends on SIGTERM in the middle of its first load, which the next start begins again', async () => {
    await using source = await testDatabase()
    await source.query(TABLE)
    await source.query(
      `insert into app.t select g, repeat(md5(g::text), 9) from generate_series(1, 100000) g`,
    )
    await using folder = await taskFolder(source.url, {})
    await using child = startCli(['run', '--config', folder.config])
    await child.line('load began')
    const began = performance.now()
    const { code, stderr } = await child.end('SIGTERM')
    assert.equal(code, 0, stderr)
    assert.ok(performance.now() - began < 3000)
    assert.equal((await auditLake(folder.lake)).loaded, 0)
    await catchUp(folder.config)
    assert.deepEqual(differencesIn(await compareAll(source, folder.warehouse)), [])
  })

  test('goes on where it stopped, and loads nothing again', async () => {
    await using source = await testDatabase()
    await source.query(TABLE + ';' + ROWS)
    await using folder = await taskFolder(source.url, {})
    const changes = [`update app.t set x = 'y' where id <= 10`, `delete from app.t where id > 990`]
    for (const [i, change] of ['', ...changes].entries()) {
      if (change !== '') await source.query(change)
      await catchUp(folder.config)
      assert.deepEqual(differencesIn(await compareAll(source, folder.warehouse)), [])
      const facts = await auditLake(folder.lake)
      assert.deepEqual([facts.changes, facts.loaded, facts.generations], [i * 10, 1000, i + 1])
    }
  })

  test('catches up at once when there is nothing to catch up on', async () => {
    await using source = await testDatabase()
    await source.query(TABLE)
    await using folder = await taskFolder(source.url, {})
    await catchUp(folder.config)
    await catchUp(folder.config)
    assert.deepEqual(differencesIn(await compareAll(source, folder.warehouse)), [])
  })

  test('streams again within 3 s of every kill', async () => {
    await using source = await testDatabase()
    await source.query(TABLE + ';' + ROWS)
    await using folder = await taskFolder(source.url, {})
    await catchUp(folder.config)
    const times: number[] = []
    for (let i = 0; i < 5; i++) {
      const began = performance.now()
      await using child = startCli(['run', '--config', folder.config])
      await child.line('capture began to stream')
      times.push(performance.now() - began)
      await source.query(`insert into app.t values (${2000 + i}, 'new')`)
      const { signal } = await child.end('SIGKILL')
      assert.equal(signal, 'SIGKILL')
    }
    // The machine may be busy with other tests: a wait of ours would be in every one of them.
    const median = times.toSorted((a, b) => a - b)[2]!
    assert.ok(median < 3000, `they took ${times.map(Math.round).join(', ')} ms`)
  })

  test('lives through a restart of the server', async () => {
    await using server = await testServer()
    await using source = await server.database()
    await source.query(TABLE)
    await using folder = await taskFolder(source.url, {})
    await using child = startCli(['run', '--config', folder.config])
    await child.line('capture began to stream')
    for (const mode of ['fast', 'immediate'] as const) {
      const from = child.lines.length
      await server.stop(mode)
      const { level, code, hint } = await child.line('capture interrupted', from)
      assert.deepEqual([level, code], ['warn', 'CONNECTION_LOST'])
      assert.ok(hint)
      await server.start()
      await child.line('capture began to stream', from)
      await (await source.client()).query(`insert into app.t values (${from}, 'after')`)
    }
    assert.equal((await child.end('SIGINT')).code, 0)
    await catchUp(folder.config)
    assert.deepEqual(differencesIn(await compareAll(source, folder.warehouse)), [])
  })
})

describe('an idle task', () => {
  // The WAL of other databases would pile up for a slot that nobody moves.
  test('moves its slot while another database of the server writes', async () => {
    await using server = await testServer()
    await using source = await server.database()
    await using other = await server.database()
    await source.query(TABLE)
    await other.query('create table noise (id int)')
    await using folder = await taskFolder(source.url, { source: { heartbeat: '200ms' } })
    await using child = startCli(['run', '--config', folder.config])
    await child.line('capture began to stream')
    for (let round = 0; round < 3; round++) {
      await other.query('insert into noise select generate_series(1, 1000)')
      const [{ lsn } = {}] = await other.query('select pg_current_wal_flush_lsn() as lsn')
      const beats = await untilManifests(folder.lake, (all) => {
        const { kind, confirm } = all.at(-1)!
        return kind === 'heartbeat' && confirm >= parseLsn(String(lsn))
      })
      assert.deepEqual(beats.at(-1)!.entries, [])
      await confirmed(source, String(lsn))
    }
    assert.equal((await child.end('SIGINT')).code, 0)
    await auditLake(folder.lake)
  })
})

async function catchUp(config: string): Promise<void> {
  const { code, stdout, stderr } = await runCli(['run', '--config', config, '--until-caught-up'])
  assert.equal(code, 0, stderr + stdout)
}

/** The server has sent all that is committed now; it sends only what it has flushed. */
async function sentToClient(source: TestDatabase): Promise<void> {
  const [{ lsn } = {}] = await source.query('select pg_current_wal_insert_lsn() as lsn')
  await until(source, `sent_lsn >= '${String(lsn)}'`, 'pg_stat_replication')
}

async function confirmed(source: TestDatabase, lsn: string): Promise<void> {
  await until(source, `confirmed_flush_lsn >= '${lsn}'`, 'pg_replication_slots')
}

/** Asks until it is so: the server tells nobody when it is. */
async function until(source: TestDatabase, what: string, view: string): Promise<void> {
  for (;;) {
    const slot = view === 'pg_stat_replication' ? 'application_name' : 'database'
    const who = slot === 'database' ? source.name : 'millrace mill: stream'
    const rows = await source.query(`select 1 from ${view} where ${slot} = '${who}' and ${what}`)
    if (rows.length > 0) return
  }
}

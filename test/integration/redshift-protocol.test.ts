/**
 * The two transactions of a Redshift apply, written out as plain SQL and run by four workers at once on
 * the Redshift-shaped server: every batch is delivered to all of them, and connections are cut before
 * and behind COMMITs. It shows what the server is for: that waiting, conflicts and lost answers come
 * out as they do on a cluster, as far as we know. REAL REDSHIFT: NOT TESTED.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import pg from 'pg'

import { MemoryStore } from '../../src/storage/memory-store.ts'
import { startRedshift, type RedshiftServer } from '../support/redshift/server.ts'

const BATCHES = 12
const WORKERS = 4

for (const isolation of ['snapshot', 'serializable'] as const) {
  for (const hasLock of [true, false]) {
    const how = hasLock ? 'behind a LOCK' : 'without a LOCK'
    test(`batches are applied once and in order, ${how}, under ${isolation}`, async () => {
      const store = new MemoryStore()
      await using redshift = await startRedshift({ store, isolation })
      await prepare(redshift, store)
      for (let skip = 1; skip <= 9; skip += 2) {
        const point = skip % 4 === 1 ? 'before commit' : 'after commit'
        redshift.faults.add({ point, skip, action: 'disconnect' })
      }
      const workers = Array.from({ length: WORKERS }, () => new Worker(redshift, hasLock))
      await Promise.all(workers.map((worker) => worker.run()))
      assert.equal(redshift.faults.left, 0)

      const client = await connect(redshift)
      const { rows } = await client.query(
        'SELECT seq, COUNT(*) AS n FROM app GROUP BY seq ORDER BY seq',
      )
      const expected = Array.from({ length: BATCHES }, (_, i) => ({ seq: i + 1, n: '2' }))
      assert.deepEqual(rows, expected)
      await client.end()
    })
  }
}

async function prepare(redshift: RedshiftServer, store: MemoryStore): Promise<void> {
  const client = await connect(redshift)
  await client.query('CREATE TABLE app (id INT, seq INT)')
  await client.query('CREATE TABLE lock_p1 (x SMALLINT) DISTSTYLE ALL')
  await client.query('CREATE TABLE ledger_p1 (seq INT)')
  await client.query('INSERT INTO ledger_p1 VALUES (0)')
  await client.end()
  for (let seq = 1; seq <= BATCHES; seq++) {
    await store.put(`${seq}.csv`, Buffer.from(`${2 * seq},${seq}\n${2 * seq + 1},${seq}\n`))
    const entries = [{ url: `${redshift.bucket}${seq}.csv`, mandatory: true }]
    await store.put(`${seq}.manifest`, Buffer.from(JSON.stringify({ entries })))
  }
}

async function connect({ url }: RedshiftServer): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  return client
}

/** Applies what comes next, until all is applied, whoever did it. */
class Worker {
  readonly #redshift: RedshiftServer
  readonly #hasLock: boolean

  constructor(redshift: RedshiftServer, hasLock: boolean) {
    this.#redshift = redshift
    this.#hasLock = hasLock
  }

  async run(): Promise<void> {
    for (let isDone = false; !isDone;) {
      const client = await connect(this.#redshift)
      try {
        while (!isDone) isDone = await this.#next(client)
      } catch (error) {
        if (!mayPass(error)) throw error
      } finally {
        await client.end().catch(() => {})
      }
    }
  }

  /** True if nothing is left. */
  async #next(client: pg.Client): Promise<boolean> {
    const { rows } = await client.query<{ seq: number }>('SELECT seq FROM ledger_p1')
    const seq = rows[0]!.seq + 1
    if (seq > BATCHES) return true
    await client.query('BEGIN')
    await client.query('CREATE TEMP TABLE stage (id INT, seq INT)')
    await client.query(`COPY stage FROM '${this.#redshift.bucket}${seq}.manifest'
      IAM_ROLE default MANIFEST FORMAT AS CSV`)
    await client.query('COMMIT')

    await client.query('BEGIN')
    if (this.#hasLock) await client.query('LOCK lock_p1')
    const { rowCount } = await client.query(
      `UPDATE ledger_p1 SET seq = ${seq} WHERE seq = ${seq - 1}`,
    )
    // Nothing is deleted first: a batch that is applied twice shall be seen.
    if (rowCount === 1) await client.query('INSERT INTO app SELECT id, seq FROM stage')
    await client.query(rowCount === 1 ? 'COMMIT' : 'ROLLBACK')
    await client.query('DROP TABLE stage')
    return false
  }
}

function mayPass(error: unknown): boolean {
  const texts = /Connection terminated|conflict with concurrent transaction|^1023$|deadlock/
  return error instanceof Error && texts.test(error.message)
}

/** A connection that many uses share: thousands of tables may be described within seconds. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { LastingConnection } from '../../src/postgres/lasting-connection.ts'
import { testDatabase, type TestDatabase } from '../support/postgres.ts'
import { ManualClock, settled } from '../unit/capture/manual-clock.ts'

function lasting(db: TestDatabase) {
  const clock = new ManualClock(0)
  const options = { url: db.url, applicationName: 'millrace test: lasting' }
  return { clock, connection: new LastingConnection(options, { clock, idleMs: 1000 }) }
}

async function pidOf(connection: LastingConnection): Promise<number> {
  return connection.use(async (client) => {
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
    return rows[0]!.pid
  })
}

describe('a lasting connection', () => {
  test('is one for all uses that follow one another, or come at once', async () => {
    await using db = await testDatabase()
    const { clock, connection } = lasting(db)
    await using _ = connection
    const pids = new Set(await Promise.all([pidOf(connection), pidOf(connection)]))
    for (let i = 0; i < 20; i++) {
      await clock.pass(900)
      pids.add(await pidOf(connection))
    }
    assert.equal(pids.size, 1)
  })

  test('is closed once nobody has used it for a while, and is another one then', async () => {
    await using db = await testDatabase()
    const { clock, connection } = lasting(db)
    await using _ = connection
    const first = await pidOf(connection)
    await clock.pass(1000)
    await settled()
    assert.notEqual(await pidOf(connection), first)
  })

  test('is given up when a use of it fails', async () => {
    await using db = await testDatabase()
    const { connection } = lasting(db)
    await using _ = connection
    const first = await pidOf(connection)
    await assert.rejects(connection.use((client) => client.query('select 1 / 0')))
    assert.notEqual(await pidOf(connection), first)
  })
})

/**
 * The Redshift-shaped server itself: what a single session of the conformance suite does not show, the
 * connection, two sessions at once, and failures on order.
 */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect as dial } from 'node:net'
import { after, before, describe, test } from 'node:test'

import pg from 'pg'

import { MemoryStore } from '../../src/storage/memory-store.ts'
import { startRedshift, type RedshiftServer } from '../support/redshift/server.ts'
import { Certificates, HAS_OPENSSL } from './support/certificates.ts'

const store = new MemoryStore()
let redshift: RedshiftServer
const clients: pg.Client[] = []

before(async () => {
  redshift = await startRedshift({ store })
})

after(async () => {
  await Promise.all(clients.map((client) => client.end().catch(() => {})))
  await redshift[Symbol.asyncDispose]()
})

async function connect(
  options: pg.ClientConfig = {},
  server: RedshiftServer = redshift,
): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: server.url, ...options })
  client.on('error', () => {})
  clients.push(client)
  await client.connect()
  return client
}

let tables = 0
async function table(client: pg.Client, rows: string | null = '(1, 1), (2, 2)'): Promise<string> {
  const name = `t${++tables}`
  await client.query(`CREATE TABLE ${name} (id INT, v INT)`)
  if (rows !== null) await client.query(`INSERT INTO ${name} VALUES ${rows}`)
  return name
}

async function refused(
  promise: Promise<unknown>,
  expected: Record<string, unknown>,
): Promise<void> {
  await assert.rejects(promise, expected)
}

describe('the wire', () => {
  test('tells the versions of Redshift (wire.version)', async () => {
    const told = new Map<string, string>()
    const client = new pg.Client({ connectionString: redshift.url })
    client.connection.on('parameterStatus', ({ parameterName: name, parameterValue: value }) =>
      told.set(name, value),
    )
    clients.push(client)
    await client.connect()
    assert.equal(told.get('server_version'), '8.0.2')
    assert.equal(told.get('client_encoding'), 'UNICODE')
  })

  test('refuses a startup parameter that it does not know (wire.startup)', async () => {
    await refused(connect({ lock_timeout: 5 }), { code: '42704', severity: 'FATAL' })
    await refused(connect({ options: '-c x=1' }), { code: '42704' })
    await connect({ application_name: 'millrace', statement_timeout: 60_000 })
  })

  test('takes passwords by md5 and in clear text, and refuses wrong ones (wire.auth)', async () => {
    await refused(connect({ password: 'wrong', connectionString: '', ...hostOf(redshift) }), {
      code: '28000',
    })
    await using clear = await startRedshift({ store, auth: 'cleartext' })
    await connect({}, clear)
    clear.users.set('IAM:reader', 'temporary')
    const iam = { ...hostOf(clear), user: 'IAM:reader', password: 'temporary' }
    await connect({ connectionString: '', ...iam }, clear)
    clear.users.set('IAM:reader', 'renewed')
    await refused(connect({ connectionString: '', ...iam }, clear), { code: '28000' })
  })

  // The driver throws where nobody can catch it, so the bytes are read here.
  test('asks users with a SHA-256 password for what the driver does not know (wire.auth-sha256)', async () => {
    await using server = await startRedshift({ store, auth: 'sha256' })
    const socket = dial(server.port, '127.0.0.1')
    const parameters = Buffer.from('\0\x03\0\0user\0millrace\0\0', 'latin1')
    socket.write(Buffer.concat([int32(parameters.length + 4), parameters]))
    const [answer] = (await once(socket, 'data')) as [Buffer]
    socket.destroy()
    assert.equal(String.fromCharCode(answer[0]!), 'R')
    assert.equal(answer.readInt32BE(5), 13)
  })

  test('has types of its own for SUPER and VARBYTE (wire.oids)', async () => {
    const client = await connect()
    const { fields, rows } = await client.query<Record<string, unknown>>(
      `SELECT JSON_PARSE('[1]') AS s, TO_VARBYTE('00ff', 'hex') AS b, 'x'::VARCHAR(3) AS v`,
    )
    const oids = fields.map(({ dataTypeID }) => dataTypeID)
    assert.deepEqual(oids, [4000, 6551, 1043])
    assert.deepEqual(rows, [{ s: '[1]', b: '00ff', v: 'x' }])
  })

  test('takes parameters in queries and DML only, and no named statements (wire.binds, wire.unnamed-only)', async () => {
    const client = await connect()
    const name = await table(client, null)
    await client.query(`INSERT INTO ${name} VALUES ($1, $2)`, [7, null])
    const { rows } = await client.query(`SELECT v FROM ${name} WHERE id = $1`, [7])
    assert.deepEqual(rows, [{ v: null }])
    await refused(client.query(`DROP TABLE ${name} -- $1`, ['x']), { hint: 'behaviour wire.binds' })
    await refused(client.query({ name: 'mine', text: 'SELECT 1' }), {
      hint: 'behaviour wire.unnamed-only',
    })
  })

  test('runs several statements of one message as one transaction (wire.multi)', async () => {
    const client = await connect()
    const name = await table(client, null)
    await refused(client.query(`INSERT INTO ${name} VALUES (1, 1); SELECT 1 / 0`), {
      code: '22012',
    })
    const { rows } = await client.query(`SELECT * FROM ${name}`)
    assert.deepEqual(rows, [])
  })

  test('cancels a statement from outside, and after its timeout (wire.cancel, wire.timeout)', async () => {
    const [holder, waiting] = [await connect(), await connect({ statement_timeout: 50 })]
    const name = await table(holder)
    await holder.query('BEGIN')
    await holder.query(`LOCK ${name}`)
    await refused(waiting.query(`SELECT * FROM ${name}`), { code: '57014' })

    const cancelled = await connect()
    const query = refused(cancelled.query(`SELECT * FROM ${name}`), { code: '57014' })
    // The driver has no documented way to say it.
    const { processID, secretKey } = cancelled as unknown as Record<string, number>
    const state = { isOver: false }
    const over = query.finally(() => void (state.isOver = true))
    // What comes before the statement has begun cancels nothing.
    while (!state.isOver) await cancelBy(processID!, secretKey!)
    await over
  })

  test('refuses all that it was not taught (sql.fail-closed)', async () => {
    const client = await connect()
    await client.query('CREATE TEMP TABLE documents (a INT, b SUPER)')
    for (const sql of [
      'EXPLAIN SELECT 1',
      'LISTEN x',
      'DO $$ BEGIN END $$',
      'SELECT no_such_function(1)',
      "SELECT '{}' @> '{}'",
      'SELECT 1 FETCH FIRST 1 ROW ONLY',
      'CREATE EXTENSION x',
      'SET work_mem TO 1',
      'SELECT * FROM pg_stat_activity',
      "SELECT E'x'",
      'ALTER DATABASE x RENAME TO y',
      'SELECT * INTO x FROM y',
      `INSERT INTO documents VALUES (1, '{}')`,
    ]) {
      await assert.rejects(client.query(sql), pg.DatabaseError, sql)
    }
  })

  test('keeps a log of what came, in its order', async () => {
    const client = await connect()
    const from = redshift.log.length
    await client.query('SELECT 1;  SELECT 2')
    await client.query('SELECT nothing').catch(() => {})
    const seen = redshift.log.slice(from).map(({ sql, error }) => [sql, error !== null])
    assert.deepEqual(seen, [
      ['SELECT 1', false],
      ['SELECT 2', false],
      ['SELECT nothing', true],
    ])
  })
})

async function cancelBy(pid: number, secret: number): Promise<void> {
  const socket = dial(redshift.port, '127.0.0.1')
  socket.end(Buffer.concat([16, 80_877_102, pid, secret].map(int32)))
  await once(socket, 'close')
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

function hostOf({ url }: RedshiftServer): pg.ClientConfig {
  const { hostname, port, username, pathname } = new URL(url)
  return { host: hostname, port: Number(port), user: username, database: pathname.slice(1) }
}

describe('a server with TLS (wire.tls)', { skip: !HAS_OPENSSL }, () => {
  test('is reached by its own authority only, and never without TLS', async () => {
    await using files = await Certificates.make()
    files.authority('ca')
    files.signed('server', { authority: 'ca', host: 'localhost' })
    const read = (name: string): string => readFileSync(files.path(name), 'utf8')
    const tls = { cert: read('server.pem'), key: read('server.key') }
    await using server = await startRedshift({ store, tls })
    const url = server.url.replace('127.0.0.1', 'localhost')
    const client = await connect({ connectionString: url, ssl: { ca: read('ca.pem') } }, server)
    assert.deepEqual((await client.query('SELECT 1 AS one')).rows, [{ one: 1 }])
    await client.end()
    await refused(connect({ connectionString: url, ssl: true }, server), {
      code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    })
    await refused(connect({}, server), { code: '28000' })
  })
})

describe('two sessions', () => {
  test('read what stood there at the first statement that reads a table (tx.snapshot)', async () => {
    const [one, other] = [await connect(), await connect()]
    const name = await table(one)
    const lock = await table(one)
    await one.query('BEGIN')
    await one.query(`LOCK ${lock}`)
    await one.query('SELECT 1')
    await other.query(`UPDATE ${name} SET v = 9 WHERE id = 1`)
    const read = async (): Promise<number> =>
      (await one.query<{ v: number }>(`SELECT v FROM ${name} WHERE id = 1`)).rows[0]!.v
    assert.equal(await read(), 9)
    await other.query(`UPDATE ${name} SET v = 10 WHERE id = 1`)
    assert.equal(await read(), 9)
    await one.query('COMMIT')
    assert.equal(await read(), 10)
  })

  test('write one after the other, and read meanwhile (tx.write-lock)', async () => {
    const [one, other] = [await connect(), await connect()]
    const name = await table(one)
    await one.query('BEGIN')
    await one.query(`INSERT INTO ${name} VALUES (3, 3)`)
    let isWritten = false
    const writing = other
      .query(`INSERT INTO ${name} VALUES (4, 4)`)
      .then(() => void (isWritten = true))
    const reader = await connect()
    assert.equal((await reader.query(`SELECT * FROM ${name}`)).rowCount, 2)
    assert.equal(isWritten, false)
    await one.query('COMMIT')
    await writing
    assert.equal((await reader.query(`SELECT * FROM ${name}`)).rowCount, 4)
  })

  for (const [isolation, id, expected] of [
    ['snapshot', 'tx.conflict-snapshot', { code: 'XX000', message: /conflict with concurrent/ }],
    ['serializable', 'tx.conflict-serializable', { code: 'XX000', message: '1023' }],
  ] as const) {
    test(`conflict when an update is stale: ${isolation} (${id}, tx.isolation)`, async () => {
      await using server = await startRedshift({ store, isolation })
      const [one, other] = [await connect({}, server), await connect({}, server)]
      const name = await table(one)
      const { rows } = await one.query<{ level: string }>(
        'SELECT isolation_level AS level FROM stv_db_isolation_level',
      )
      assert.match(rows[0]!.level.toLowerCase(), new RegExp(isolation))
      await one.query('BEGIN')
      await one.query(`SELECT * FROM ${name}`)
      await other.query(`UPDATE ${name} SET v = 9 WHERE id = 1`)
      await refused(one.query(`UPDATE ${name} SET v = 8 WHERE id = 1`), expected)
      await refused(one.query('SELECT 1'), { code: '25P02' })
      await one.query('ROLLBACK')
      await one.end()
      await other.end()
    })
  }

  test('see no temporary table of each other (ddl.temp)', async () => {
    const [one, other] = [await connect(), await connect()]
    await one.query('CREATE TEMP TABLE mine (a INT)')
    await refused(other.query('SELECT * FROM mine'), { code: '42P01' })
  })

  test('wait for a LOCK, which stands alone in its message (tx.lock, tx.lock-alone)', async () => {
    const [one, other] = [await connect(), await connect()]
    const name = await table(one)
    await one.query('BEGIN')
    await one.query(`LOCK ${name}`)
    let isLocked = false
    await other.query('BEGIN')
    const locking = other.query(`LOCK ${name}`).then(() => void (isLocked = true))
    await one.query(`UPDATE ${name} SET v = 5`)
    assert.equal(isLocked, false)
    await one.query('COMMIT')
    await locking
    // No snapshot yet: what the first has written is no conflict.
    assert.equal((await other.query(`UPDATE ${name} SET v = 6 WHERE v = 5`)).rowCount, 2)
    await other.query('COMMIT')
    await refused(one.query(`BEGIN; LOCK ${name}`), { hint: 'behaviour tx.lock-alone' })
  })

  test('lose what was not committed with the connection (tx.drop-open)', async () => {
    const one = await connect()
    const name = await table(one)
    await one.query('BEGIN')
    await one.query(`DELETE FROM ${name}`)
    await one.end()
    const other = await connect()
    // It waits for the end of the first one's lock.
    await other.query('BEGIN')
    await other.query(`LOCK ${name}`)
    assert.equal((await other.query(`SELECT * FROM ${name}`)).rowCount, 2)
    await other.query('ROLLBACK')
  })
})

describe('a COPY whose client is gone', () => {
  for (const [where, rows] of [
    ['outside of a block', 1],
    ['inside of a block', 0],
  ] as const) {
    test(`${where} leaves ${rows} rows (copy.outlives-client)`, async () => {
      const client = await connect()
      const name = await table(client, null)
      await store.put(`${name}.csv`, Buffer.from('1,1\n'))
      if (rows === 0) await client.query('BEGIN')
      redshift.faults.add({
        point: 'before copy',
        action: async () => {
          client.connection.stream.destroy()
          await Promise.resolve()
        },
      })
      const copied = new Promise<void>((resolve) => {
        redshift.faults.add({ point: 'after copy', action: async () => resolve() })
      })
      const copy = `COPY ${name} FROM '${redshift.bucket}${name}.csv' IAM_ROLE default FORMAT CSV`
      await assert.rejects(client.query(copy), /Connection terminated/)
      const other = await connect()
      await copied
      await other.query('BEGIN')
      // A session without a client holds its locks to its end.
      await other.query(`LOCK ${name}`)
      assert.equal((await other.query(`SELECT * FROM ${name}`)).rowCount, rows)
      await other.query('ROLLBACK')
    })
  }
})

describe('a fault', () => {
  for (const [point, expected] of [
    ['before commit', 2],
    ['after commit', 0],
  ] as const) {
    test(`that cuts the connection ${point} leaves ${expected} rows of a DELETE of 2`, async () => {
      const client = await connect()
      const name = await table(client)
      redshift.faults.add({ point, action: 'disconnect' })
      await client.query('BEGIN')
      await client.query(`DELETE FROM ${name}`)
      await assert.rejects(client.query('COMMIT'), /Connection terminated/)
      const other = await connect()
      await other.query('BEGIN')
      await other.query(`LOCK ${name}`)
      assert.equal((await other.query(`SELECT * FROM ${name}`)).rowCount, expected)
      await other.query('ROLLBACK')
    })
  }

  for (const [action, expected] of [
    ['conflict', { message: /conflict with concurrent transaction/ }],
    ['missing relation', { message: '1018', detail: 'Relation does not exist.' }],
    ['cancelled', { code: '57014' }],
    ['deadlock', { code: '40P01' }],
    ['disk full', { code: '53100' }],
    ['shutdown', { code: '57P01' }],
  ] as const) {
    test(`of the kind ${action} strikes once, where it is wanted`, async () => {
      const client = await connect()
      const name = await table(client)
      redshift.faults.add({ point: 'before update', match: new RegExp(name), skip: 1, action })
      await client.query('BEGIN')
      await client.query(`UPDATE ${name} SET v = 1`)
      await refused(client.query(`UPDATE ${name} SET v = 2`), expected)
      assert.equal(redshift.faults.left, 0)
      if (action === 'shutdown') return
      await client.query('ROLLBACK')
      await client.query(`UPDATE ${name} SET v = 2`)
    })
  }

  test('at COMMIT rolls back what it refuses', async () => {
    const client = await connect()
    const name = await table(client)
    redshift.faults.add({ point: 'before commit', action: 'conflict' })
    await client.query('BEGIN')
    await client.query(`DELETE FROM ${name}`)
    await refused(client.query('COMMIT'), { message: /conflict/ })
    assert.equal((await client.query(`SELECT * FROM ${name}`)).rowCount, 2)
  })

  test('can be anything that a test does, at the statement of its choice', async () => {
    const [client, other] = [await connect(), await connect()]
    const name = await table(client)
    redshift.faults.add({
      point: 'before statement',
      match: /^DELETE/,
      action: async () => void (await other.query(`INSERT INTO ${name} VALUES (5, 5)`)),
    })
    assert.equal((await client.query(`DELETE FROM ${name}`)).rowCount, 3)
  })
})

test('a string of more than 65,535 bytes fits into no SUPER (type.super-string)', async () => {
  const client = await connect()
  await client.query('CREATE TEMP TABLE large (a SUPER)')
  const literal = `'"${'x'.repeat(65_536)}"'`
  await refused(client.query(`INSERT INTO large SELECT JSON_PARSE(${literal})`), {
    hint: 'behaviour type.super-string',
  })
})

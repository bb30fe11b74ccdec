/** Connections: settings that are ours whatever the server's are, logins, TLS, Unix sockets. */

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'

import { hasCode, type ErrorCode } from '../../src/core/errors.ts'
import { parseAddress } from '../../src/postgres/address.ts'
import { connect, withConnection } from '../../src/postgres/connect.ts'
import { LastingConnection } from '../../src/postgres/lasting-connection.ts'
import { systemClock } from '../../src/system-clock.ts'
import { cuttingProxy } from '../support/cutting-proxy.ts'
import {
  testDatabase,
  testServer,
  type TestDatabase,
  type TestServer,
} from '../support/postgres.ts'
import { CaptureRun } from './support/capture-run.ts'
import { Certificates, HAS_OPENSSL } from './support/certificates.ts'
import { disposeOf } from './support/dispose.ts'
import { HOSTILE_SETTINGS, HostileRole } from './support/hostile-role.ts'
import { sourceOf } from './support/source.ts'

const applicationName = 'millrace test'

describe('a session', () => {
  const ours: Readonly<Record<string, string>> = {
    datestyle: 'ISO, MDY',
    intervalstyle: 'postgres',
    timezone: 'UTC',
    extra_float_digits: '3',
    bytea_output: 'hex',
    client_encoding: 'UTF8',
    lc_monetary: 'C',
    quote_all_identifiers: 'off',
    search_path: '""',
    standard_conforming_strings: 'on',
    default_transaction_read_only: 'off',
    default_transaction_isolation: 'read committed',
    default_transaction_deferrable: 'off',
    statement_timeout: '0',
    lock_timeout: '0',
    idle_in_transaction_session_timeout: '0',
    idle_session_timeout: '0',
    transaction_timeout: '0',
  }
  for (const isReplication of [false, true]) {
    const kind = isReplication ? 'that replicates' : 'that queries'
    test(`${kind} has our settings, whatever those of database and role are`, async () => {
      await using db = await testDatabase()
      await using role = await HostileRole.make(db)
      const settings = { url: role.url, applicationName, isReplication }
      const found = await withConnection(settings, async (client) => {
        const names = Object.keys(ours).map((name) => `'${name}'`)
        const { rows } = await client.query<{ name: string; value: string }>(
          `select lower(name) as name, setting as value from pg_settings
            where lower(name) in (${names.join(', ')})`,
        )
        return new Map(rows.map(({ name, value }) => [name, value]))
      })
      for (const [name, value] of found) assert.equal(value, ours[name], name)
      const hostile = Object.keys(HOSTILE_SETTINGS).filter((name) => name in ours)
      assert.ok(hostile.every((name) => found.has(name)))
    })
  }
})

describe('a login', () => {
  test('is tried again with the password of now, and only then', async () => {
    await using db = await testDatabase()
    const urls = [withPassword(db, 'old'), db.url]
    const client = await connect({ url: async () => urls.shift()!, applicationName })
    await client.end()
    assert.deepEqual(urls, [])

    let asked = 0
    const wrong = async (): Promise<string> => {
      asked++
      return withPassword(db, 'wrong')
    }
    await rejects(connect({ url: wrong, applicationName }), 'LOGIN_FAILED')
    assert.equal(asked, 2)
  })

  test('may have a password of its own for every connection', async () => {
    await using db = await testDatabase()
    const { password } = parseAddress(db.url, {})
    const askedFor: string[] = []
    const server = {
      url: withPassword(db, 'none'),
      password: async ({ host, user }: { host: string; user: string | undefined }) => {
        askedFor.push(`${user}@${host}`)
        return password!
      },
    }
    for (const isReplication of [false, true]) {
      await (await connect({ ...server, applicationName, isReplication })).end()
    }
    assert.deepEqual(askedFor, ['postgres@127.0.0.1', 'postgres@127.0.0.1'])
  })

  test('is done by SCRAM', async () => {
    await using db = await testDatabase()
    const role = `${db.name}_scram`
    await db.query(`set password_encryption = 'scram-sha-256'`)
    await db.query(`create role ${role} login password 'p w%/'`)
    try {
      const [row] = await db.query(
        'select rolpassword as stored from pg_authid where rolname = $1',
        [role],
      )
      assert.match(String(row!['stored']), /^SCRAM-SHA-256\$/)
      const url = new URL(db.url)
      url.username = role
      url.password = 'p w%25/'
      await (await connect({ url: url.href, applicationName })).end()
    } finally {
      await db.query(`drop role ${role}`)
    }
  })

  test('takes what the url leaves out from the environment', async () => {
    await using db = await testDatabase()
    const { host, port, user, password } = parseAddress(db.url, {})
    using _ = environment({
      PGHOST: host,
      PGPORT: String(port),
      PGUSER: user!,
      PGPASSWORD: password!,
      PGDATABASE: db.name,
    })
    await withConnection({ url: 'postgres://', applicationName }, async (client) => {
      const { rows } = await client.query('select current_database() as name')
      assert.deepEqual(rows, [{ name: db.name }])
    })
  })

  test('outlives a change of the password while the task runs', async () => {
    await using db = await testDatabase()
    const role = `${db.name}_rotated`
    await db.query(`create role ${role} login superuser password 'first'`)
    await db.query('create table t (id int primary key)')
    const current = new URL(db.url)
    current.username = role
    current.password = 'first'
    try {
      const source = sourceOf(db, { url: async () => current.href })
      await using run = await CaptureRun.start(db, source)
      await run.loaded()
      await db.query(`alter role ${role} password 'second'`)
      current.password = 'second'
      await db.query(`select pg_terminate_backend(pid) from pg_stat_activity where usename = $1`, [
        role,
      ])
      await db.query('insert into t values (1)')
      await run.caughtUp()
      assert.equal((await run.read({ namespace: 'public', name: 't' })).streamed.length, 1)
    } finally {
      await db.query(`drop owned by ${role}`)
      await db.query(`drop role ${role}`)
    }
  })
})

test('a publication may have any name', async () => {
  await using db = await testDatabase()
  await db.query('create table t (id int primary key)')
  const publication = { name: `My "odd" 'name' \\ , x`, isOurs: true }
  await using run = await CaptureRun.start(db, sourceOf(db, { publication }))
  await run.loaded()
  await db.query('insert into t values (1)')
  await run.caughtUp()
  assert.equal((await run.read({ namespace: 'public', name: 't' })).streamed.length, 1)
})

test('a server that is not there is named', async () => {
  const url = 'postgres://u@/shop?host=/tmp/millrace-no-such-folder'
  const error = await rejects(connect({ url, applicationName }), 'CONNECTION_LOST')
  assert.match(error.message, /server \/tmp\/millrace-no-such-folder:5432/)
})

test('a server without TLS is refused if TLS is wanted', async () => {
  await using db = await testDatabase()
  const url = `${db.url}?sslmode=require`
  await rejects(connect({ url, applicationName }), 'TLS_FAILED')
})

describe('a server with TLS', { skip: HAS_OPENSSL ? false : 'openssl is not on the PATH' }, () => {
  let files: Certificates
  let server: TestServer
  let db: TestDatabase

  before(async () => {
    files = await Certificates.make()
    files.authority('ca')
    files.authority('other-ca')
    files.signed('server', { authority: 'ca', host: 'localhost' })
    files.signed('certified', { authority: 'ca' })
    files.signed('stranger', { authority: 'other-ca' })
    const rules = [
      'local all all scram-sha-256',
      'hostssl all certified all cert',
      'host all all all scram-sha-256',
    ]
    server = await testServer({
      ssl: 'on',
      ssl_cert_file: files.path('server.pem'),
      ssl_key_file: files.path('server.key'),
      ssl_ca_file: files.path('ca.pem'),
      hba_file: files.write('pg_hba.conf', `${rules.join('\n')}\n`),
      unix_socket_directories: files.folder,
    })
    db = await server.database()
    await db.query('create role certified login superuser')
  })

  after(() => disposeOf(db, server, files))

  /** `at` is a host, or a user and a host. */
  function urlTo(at: string, parameters: Readonly<Record<string, string>>): string {
    const url = new URL(db.url)
    const [host, user] = at.split('@').toReversed()
    url.hostname = host!
    if (user !== undefined) {
      url.username = user
      url.password = ''
    }
    for (const [name, value] of Object.entries(parameters)) {
      url.searchParams.set(name, value.replace('./', `${files.folder}/`))
    }
    return url.href
  }

  async function isEncrypted(url: string): Promise<boolean> {
    return withConnection({ url, applicationName }, async (client) => {
      const { rows } = await client.query<{ ssl: boolean }>(
        'select ssl from pg_stat_ssl where pid = pg_backend_pid()',
      )
      return rows[0]!.ssl
    })
  }

  const full = { sslmode: 'verify-full', sslrootcert: './ca.pem' }
  const accepted = [
    ['in full, by the name of the certificate', 'localhost', full, true],
    ['by the authority alone, by any name', '127.0.0.1', { ...full, sslmode: 'verify-ca' }, true],
    ['if an authority is named', 'localhost', { sslrootcert: './ca.pem' }, true],
    ['on this machine, if it is wanted', '127.0.0.1', { sslmode: 'require' }, true],
    ['not at all', '127.0.0.1', { sslmode: 'no-verify' }, true],
    ['where there is none', '127.0.0.1', {}, false],
    ['where there is none', 'localhost', { sslmode: 'disable' }, false],
    ['and verifies us', 'certified@localhost', { ...full, sslcert: './certified.pem', sslkey: './certified.key' }, true], // prettier-ignore
  ] as const
  for (const [what, at, parameters, isTls] of accepted) {
    test(`is verified ${what}: ${at} ${JSON.stringify(parameters)}`, async () => {
      assert.equal(await isEncrypted(urlTo(at, parameters)), isTls)
    })
  }

  const refused = [
    ['by another name', '127.0.0.1', full, 'TLS_FAILED', 'verify-ca'],
    ['without its authority', 'localhost', { sslmode: 'verify-full' }, 'TLS_FAILED', 'sslrootcert'],
    ['of another authority', 'localhost', { ...full, sslrootcert: './other-ca.pem' }, 'TLS_FAILED', 'sslrootcert'],
    ['with an authority that is not there', 'localhost', { ...full, sslrootcert: './none.pem' }, 'TLS_FAILED', 'none.pem'],
    ['with an authority that is none', 'localhost', { ...full, sslrootcert: './server.key' }, 'TLS_FAILED', 'sslrootcert'],
    ['without a certificate of ours', 'certified@localhost', full, 'LOGIN_FAILED', ''],
    ['with a certificate of ours that it does not know', 'certified@localhost', { ...full, sslcert: './stranger.pem', sslkey: './stranger.key' }, 'TLS_FAILED', ''],
  ] as const // prettier-ignore
  for (const [what, at, parameters, code, hint] of refused) {
    test(`is refused ${what}: ${at} ${JSON.stringify(parameters)}`, async () => {
      const error = await rejects(isEncrypted(urlTo(at, parameters)), code)
      assert.ok(error.hint?.includes(hint), error.hint)
    })
  }

  test('is what the environment wants it to be', async () => {
    using _ = environment({ PGSSLMODE: 'verify-full', PGSSLROOTCERT: files.path('ca.pem') })
    assert.equal(await isEncrypted(urlTo('localhost', {})), true)
    await rejects(isEncrypted(urlTo('127.0.0.1', {})), 'TLS_FAILED')
  })

  test('answers at its socket, too', async () => {
    const { user, password, port } = parseAddress(db.url, {})
    const url = `postgres://${user}:${password}@/${db.name}?host=${files.folder}&port=${port}`
    for (const isReplication of [false, true]) {
      await (await connect({ url, applicationName, isReplication })).end()
    }
    assert.equal(await isEncrypted(`${url}&sslmode=verify-full`), false)
  })

  test('is loaded and streamed from through TLS', async () => {
    await db.query('create table t (id int primary key, t text)')
    const rows = `select n, repeat(md5(n::text), 100) from generate_series`
    await db.query(`insert into t ${rows}(1, 2000) n`)
    const source = sourceOf(db, { url: urlTo('localhost', full) })
    await using run = await CaptureRun.start(db, source)
    await run.loaded()
    await db.query(`insert into t ${rows}(2001, 4000) n`)
    await run.caughtUp()
    const { loaded, streamed } = await run.read({ namespace: 'public', name: 't' })
    assert.deepEqual([loaded.length, streamed.length], [2000, 2000])
  })
})

describe('a server that is gone without a word', () => {
  test('is noticed by a query with a limit, and its connection can be closed', async () => {
    // A router that lost its state left such a connection deaf until TCP gave up, a quarter of an hour.
    await using db = await testDatabase()
    await using proxy = await cuttingProxy(db.url)
    const connection = { url: proxy.url, applicationName: 'test', answerWithinMs: 100 }
    await using lasting = new LastingConnection(connection, { clock: systemClock, idleMs: 1000 })
    const ask = () => lasting.use((client) => client.query('select 42 as answer'))
    assert.deepEqual((await ask()).rows, [{ answer: 42 }])
    proxy.swallow('select 42')
    await rejects(ask(), 'CONNECTION_LOST')
  })
})

function withPassword(db: TestDatabase, password: string): string {
  const url = new URL(db.url)
  url.password = password
  return url.href
}

async function rejects(
  promise: Promise<unknown>,
  code: ErrorCode,
): Promise<{ readonly message: string; readonly hint: string | undefined }> {
  const error: unknown = await promise.then(
    () => assert.fail(`nothing failed with ${code}`),
    (reason: unknown) => reason,
  )
  if (!hasCode(error, code)) throw error
  return error
}

/** Until it is disposed of. Tests of one file run one after the other. */
function environment(variables: Readonly<Record<string, string>>): Disposable {
  const former = Object.keys(variables).map((name) => [name, process.env[name]] as const)
  Object.assign(process.env, variables)
  return {
    [Symbol.dispose]() {
      for (const [name, value] of former) {
        if (value === undefined) delete process.env[name]
        else process.env[name] = value
      }
    },
  }
}

/** Logging in to Redshift: TLS that is verified, credentials for a moment, and what doctor finds. */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'

import { MemoryStore } from '../../src/storage/memory-store.ts'
import { examineRedshift } from '../../src/targets/redshift/preflight.ts'
import { RedshiftSession } from '../../src/targets/redshift/session.ts'
import { bucketOf } from '../support/bucket.ts'
import { startRedshift, type RedshiftServer } from '../support/redshift/server.ts'
import { Certificates, HAS_OPENSSL } from './support/certificates.ts'

describe('a Redshift target', { skip: !HAS_OPENSSL }, () => {
  let certificates: Certificates
  let server: RedshiftServer
  const store = new MemoryStore()

  before(async () => {
    certificates = await Certificates.make()
    certificates.authority('ca')
    certificates.authority('other')
    certificates.signed('server', { authority: 'ca', host: 'localhost' })
    const [cert, key] = ['server.pem', 'server.key'].map((name) =>
      readFileSync(certificates.path(name), 'utf8'),
    )
    server = await startRedshift({ store, tls: { cert: cert!, key: key! } })
  })

  after(async () => {
    await server[Symbol.asyncDispose]()
    await certificates[Symbol.asyncDispose]()
  })

  function url(parameters: string, more: { readonly user?: string } = {}): string {
    const at = new URL(server.url)
    at.hostname = 'localhost'
    if (more.user !== undefined) [at.username, at.password] = [more.user, '']
    return `${at.href}?${parameters}`
  }

  function trusted(name: string): string {
    return `sslmode=verify-full&sslrootcert=${encodeURIComponent(certificates.path(`${name}.pem`))}`
  }

  const open = (options: Parameters<typeof RedshiftSession.open>[0]) =>
    RedshiftSession.open(options)

  test('trusts the authority that it is given, and no other', async () => {
    const session = await open({ url: url(trusted('ca')), applicationName: 'test' })
    assert.deepEqual(await session.rows('SELECT 1 AS one'), [{ one: 1 }])
    await session.close()
    const other = open({ url: url(trusted('other')), applicationName: 'test' })
    await assert.rejects(other, { code: 'TLS_FAILED' })
  })

  test('logs in with a user and a password that are made for each connection', async () => {
    const [user, password] = ['IAM:somebody', 'for a moment']
    server.users.set(user, password)
    const login = () => Promise.resolve({ user, password })
    const nobody = url(trusted('ca'), { user: 'nobody' })
    const session = await open({ url: nobody, login, applicationName: 'test' })
    assert.deepEqual(await session.rows('SELECT 2 AS two'), [{ two: 2 }])
    await session.close()
    const wrong = open({ url: nobody, applicationName: 'test' })
    await assert.rejects(wrong, { code: 'LOGIN_FAILED' })
  })

  test('says what is wrong with a password that is stored as SHA-256', async () => {
    await using sha = await startRedshift({ store, auth: 'sha256' })
    await assert.rejects(open({ url: sha.url, applicationName: 'test' }), {
      code: 'LOGIN_FAILED',
      message: /SHA-256/,
    })
  })

  test('is examined with a row that goes all the way, and leaves nothing', async () => {
    const stage = { store: bucketOf(store), prefix: '_millrace/stage/w/doctor-', newId: () => '1' }
    const role = { iamRole: 'default', region: null }
    const found = await examineRedshift({ server: { url: url(trusted('ca')) }, stage, ...role })
    assert.deepEqual(found, [])
    const left: string[] = []
    for await (const key of store.list('')) left.push(key)
    assert.deepEqual(left, [])
    const elsewhere = { ...stage, store: bucketOf(new MemoryStore()) }
    const [missing] = await examineRedshift({
      server: { url: url(trusted('ca')) },
      stage: elsewhere,
      ...role,
    })
    assert.equal(missing?.code, 'TARGET_BUSY')
  })
})

/** Urls of databases, the environment beside them, and what TLS has to prove. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { hasCode } from '../../../src/core/errors.ts'
import {
  describeAddress,
  isLocalHost,
  parseAddress,
  regionOf,
  type Address,
} from '../../../src/postgres/address.ts'

const NOBODY = { user: undefined, password: undefined, database: undefined, options: undefined }
const NO_TLS = {
  mode: 'off',
  rootCert: undefined,
  cert: undefined,
  key: undefined,
  keyPassword: undefined,
} as const

describe('a url', () => {
  const env = {
    PGHOST: 'env.example',
    PGPORT: '6000',
    PGUSER: 'eve',
    PGPASSWORD: 'env-pass',
    PGDATABASE: 'envdb',
  }
  const cases: readonly [url: string, variables: Record<string, string>, Partial<Address>][] = [
    ['postgres://', {}, { host: 'localhost', port: 5432, ...NOBODY }],
    ['postgres:///', {}, { host: 'localhost', port: 5432, ...NOBODY }],
    [
      'postgres://ann:s%2F%40%25@db.example:5433/sh%20op',
      env,
      { host: 'db.example', port: 5433, user: 'ann', password: 's/@%', database: 'sh op' },
    ],
    [
      'postgres://',
      env,
      { host: 'env.example', port: 6000, user: 'eve', password: 'env-pass', database: 'envdb' },
    ],
    ['postgres://db/', env, { host: 'db', port: 6000, user: 'eve', database: 'envdb' }],
    ['postgresql://ann@db/shop', {}, { host: 'db', user: 'ann', database: 'shop' }],
    ['postgres://[::1]:5433/shop', {}, { host: '::1', port: 5433 }],
    ['postgres:///shop?host=/run/postgresql', {}, { host: '/run/postgresql', database: 'shop' }],
    ['postgres://ann:pw@/shop?host=/tmp&port=5433', {}, { host: '/tmp', port: 5433, user: 'ann', password: 'pw', database: 'shop' }], // prettier-ignore
    ['postgres://ann@', {}, { host: 'localhost', user: 'ann' }],
    ['postgres://ann@:5433/shop', {}, { host: 'localhost', port: 5433, user: 'ann' }],
    ['postgres://%2Fvar%2Frun/shop', {}, { host: '/var/run', database: 'shop' }],
    [
      'postgres:///?host=db&user=ann&password=a%26b&dbname=shop',
      {},
      { host: 'db', user: 'ann', password: 'a&b', database: 'shop' },
    ],
    ['postgres://db/shop?options=-c%20geqo%3Doff', {}, { options: '-c geqo=off' }],
  ]
  for (const [url, variables, expected] of cases) {
    test(`${url} is taken apart${variables === env ? ', beside the environment' : ''}`, () => {
      const address = parseAddress(url, variables)
      for (const [key, value] of Object.entries(expected)) {
        assert.deepEqual(Object.entries(address).find(([name]) => name === key)?.[1], value, key)
      }
    })
  }

  const refused = [
    ['mysql://db/shop', 'postgres://'],
    ['postgres://u:a#b@db/shop?x', 'not valid'],
    ['postgres://a:5432,b:5432/shop', 'not valid'],
    ['postgres://u:s3cret@db:99999/shop', 'not valid'],
    ['postgres://db/shop?port=many', 'port'],
    ['postgres://u:s3cret%zz@db/shop', '%'],
    ['postgres://db/shop?sslmode=verify_full', 'verify_full'],
  ] as const
  for (const [url, why] of refused) {
    test(`${url} is refused, without a word of its password`, () => {
      assert.throws(
        () => parseAddress(url, {}),
        (error) =>
          hasCode(error, 'CONFIG_INVALID') &&
          error.message.includes(why) &&
          !error.message.includes('s3cret'),
      )
    })
  }

  test('is described without user and password', () => {
    const shown = (url: string): string => describeAddress(parseAddress(url, {}))
    assert.equal(shown('postgres://ann:pw@db.example/shop'), 'shop on db.example:5432')
    assert.equal(shown('postgres://ann:pw@[::1]/'), 'ann on [::1]:5432')
    assert.equal(shown('postgres:///shop?host=/tmp'), 'shop on /tmp:5432')
  })
})

describe('TLS', () => {
  const ca = 'sslrootcert=/ca.pem'
  const cases: readonly [what: string, host: string, query: string, mode: string][] = [
    ['is verified without a word', 'db.example', '', 'full'],
    ['is not there on this machine', 'localhost', '', 'off'],
    ['is not there on this machine', '[::1]', '', 'off'],
    ['is verified where it is wanted if possible', 'db.example', 'sslmode=prefer', 'full'],
    ['is verified where it is wanted', 'db.example', 'sslmode=require', 'full'],
    ['is taken as it is on this machine', 'localhost', 'sslmode=require', 'unverified'],
    ['is verified on this machine by an authority', 'localhost', `sslmode=require&${ca}`, 'full'],
    ['is there if it has an authority', 'localhost', ca, 'full'],
    ['is there if we have a certificate', 'localhost', 'sslcert=/us.pem&sslkey=/us.key', 'full'],
    ['is for any name of an authority', 'db.example', `sslmode=verify-ca&${ca}`, 'ca'],
    ['is for one name if anybody signs', 'db.example', 'sslmode=verify-ca', 'full'],
    ['is for one name if anybody signs', 'db', 'sslmode=verify-ca&sslrootcert=system', 'full'],
    ['is verified in full', 'localhost', 'sslmode=verify-full', 'full'],
    ['is not verified', 'db.example', 'sslmode=no-verify', 'unverified'],
    ['is off', 'db.example', 'sslmode=disable', 'off'],
    ['is off', 'db.example', 'ssl=false', 'off'],
    ['is verified', 'db.example', 'ssl=true', 'full'],
    ['is not verified', 'db.example', 'ssl=no-verify', 'unverified'],
    ['is never there on a socket', '', 'host=/tmp&sslmode=verify-full', 'off'],
  ]
  for (const [what, host, query, mode] of cases) {
    test(`${what}: ${host} ${query}`, () => {
      assert.equal(parseAddress(`postgres://${host}/shop?${query}`, {}).tls.mode, mode)
    })
  }

  test('is what the environment says, if the url says nothing', () => {
    const env = {
      PGSSLMODE: 'verify-ca',
      PGSSLROOTCERT: '/ca.pem',
      PGSSLCERT: '/us.pem',
      PGSSLKEY: '/us.key',
    }
    assert.deepEqual(parseAddress('postgres://db/', env).tls, {
      ...NO_TLS,
      mode: 'ca',
      rootCert: '/ca.pem',
      cert: '/us.pem',
      key: '/us.key',
    })
    const { tls } = parseAddress('postgres://db/?sslmode=disable', env)
    assert.equal(tls.mode, 'off')
    assert.equal(parseAddress('postgres://db/', { PGSSLMODE: '' }).tls.mode, 'full')
  })
})

test('this machine is known by its names', () => {
  for (const host of ['localhost', '127.0.0.1', '::1', '/tmp']) assert.ok(isLocalHost(host), host)
  for (const host of ['db', '10.0.0.1', 'localhost.example']) assert.ok(!isLocalHost(host), host)
})

test('a server of RDS names its region', () => {
  const cases = [
    ['shop.abc123.eu-west-1.rds.amazonaws.com', 'eu-west-1'],
    ['shop.cluster-ro-abc.us-gov-east-1.rds.amazonaws.com', 'us-gov-east-1'],
    ['shop.abc.cn-north-1.rds.amazonaws.com.cn', 'cn-north-1'],
    ['db.example', null],
    ['eu-west-1.rds.amazonaws.com.example', null],
  ] as const
  for (const [host, region] of cases) assert.equal(regionOf(host), region, host)
})

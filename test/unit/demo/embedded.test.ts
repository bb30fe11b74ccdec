/** What the embedded PostgreSQL decides without a server. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { newestOf } from '../../../src/demo/postgres-binaries.ts'
import { findUser } from '../../../src/demo/server-user.ts'

describe('the newest version of a major', () => {
  const cases = [
    ['18', ['18.4.0-beta.17', '18.4.0-beta.9', '18.10.0-beta.1', '17.9.0'], '18.10.0-beta.1'],
    ['18', ['18.4.0-beta.9', '18.4.0-beta.17'], '18.4.0-beta.17'],
    ['1', ['18.4.0', '13.2.0'], null],
    ['13', [], null],
  ] as const

  for (const [major, versions, newest] of cases) {
    test(`${major} of [${versions.join(', ')}] is ${newest}`, () => {
      assert.equal(newestOf(major, versions), newest)
    })
  }
})

describe('the user of the server', () => {
  const passwd = [
    'root:x:0:0:root:/root:/bin/bash',
    'toor:x:0:0:root again:/root:/bin/bash',
    'postgres:x:101:104:PostgreSQL:/var/lib/postgresql:/bin/bash',
    'nobody:*:-2:-2:Unprivileged User:/var/empty:/usr/bin/false',
    '',
  ].join('\n')
  const cases = [
    ['postgres', { uid: 101, gid: 104 }],
    ['nobody', { uid: 4_294_967_294, gid: 4_294_967_294 }],
    ['toor', null],
    ['post', null],
  ] as const

  for (const [name, user] of cases) {
    test(`${name} is ${user === null ? 'nobody fit for it' : `user ${user.uid}`}`, () => {
      assert.deepEqual(findUser(passwd, name), user)
    })
  }
})

/** Where a server listens, and who can reach it there. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { isLoopback, parseListen } from '../../../src/config/server-section.ts'

describe('an address to listen on', () => {
  const cases = [
    // text             host         port    only this machine
    ['127.0.0.1:7070', '127.0.0.1', 7070, true],
    ['127.8.0.1:0', '127.8.0.1', 0, true],
    ['localhost:80', 'localhost', 80, true],
    ['[::1]:7070', '::1', 7070, true],
    ['[::]:7070', '::', 7070, false],
    [':7070', '0.0.0.0', 7070, false],
    ['0.0.0.0:65535', '0.0.0.0', 65_535, false],
    ['db.example:1', 'db.example', 1, false],
    ['127.example.com:1', '127.example.com', 1, false],
  ] as const
  for (const [text, host, port, isLocal] of cases) {
    test(`${text} is ${isLocal ? 'for this machine' : 'for everybody'}`, () => {
      assert.deepEqual(parseListen(text), { host, port })
      assert.equal(isLoopback(host), isLocal)
    })
  }

  for (const text of [
    '',
    '7070',
    '127.0.0.1',
    'a:',
    'a:b',
    'a:65536',
    '::1:7070',
    '[::1]',
    'a b:1',
  ]) {
    test(`"${text}" is refused`, () => assert.equal(parseListen(text), null))
  }
})

/** Errors of the file system and what becomes of them. */

import assert from 'node:assert/strict'
import { constants } from 'node:os'
import { describe, test } from 'node:test'

import { errnoOf, fromReading, fromWriting } from '../../../src/storage/errno.ts'

describe('an error of the file system', () => {
  const cases = [
    ['ENOSPC', 'DISK_FULL', null],
    ['EACCES', 'LAKE_UNWRITABLE', 'LAKE_UNREADABLE'],
    ['EPERM', 'LAKE_UNWRITABLE', 'LAKE_UNREADABLE'],
    ['EROFS', 'LAKE_UNWRITABLE', null],
    ['ENOTDIR', 'LAKE_UNWRITABLE', null],
    ['EISDIR', 'LAKE_UNWRITABLE', null],
    ['EIO', null, null],
  ] as const

  for (const [errno, writing, reading] of cases) {
    test(`${errno} is ${writing ?? 'itself'} in writing and ${reading ?? 'itself'} in reading`, () => {
      check(errno, fromWriting, writing)
      check(errno, fromReading, reading)
    })
  }

  test('EDQUOT is DISK_FULL, though Node has no name for it', () => {
    const error = Object.assign(new Error('Unknown system error -122'), {
      errno: -constants.errno.EDQUOT,
      code: 'Unknown system error -122',
    })
    assert.equal(errnoOf(error), 'EDQUOT')
    assert.equal(errnoOf(fromWriting(error, '/lake/a')), 'DISK_FULL')
  })

  test('is left alone if it has no code', () => {
    const error = new Error('a bug')
    assert.equal(fromWriting(error, '/lake/a'), error)
    assert.equal(fromReading('text', '/lake/a'), 'text')
  })

  function check(
    errno: string,
    translate: (error: unknown, path: string) => unknown,
    code: string | null,
  ): void {
    const error = Object.assign(new Error(`${errno}: it failed`), { code: errno })
    const translated = translate(error, '/lake/a')
    if (code === null) return assert.equal(translated, error)
    assert.ok(translated instanceof Error)
    assert.equal(errnoOf(translated), code)
    assert.match(translated.message, /\/lake\/a.*it failed/)
    assert.equal(translated.cause, error)
  }
})

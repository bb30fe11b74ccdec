/** A real value that is too large to be taken, in the stream and in a load. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { testDatabase } from '../support/postgres.ts'
import { CaptureRun } from './support/capture-run.ts'
import { sourceOf } from './support/source.ts'

const BYTES = 70 * 1024 * 1024
const TABLE = 'create schema app; create table app.files (id int primary key, body text)'
const INSERT = `insert into app.files values (42, repeat('x', ${BYTES}))`

const REFUSED = {
  code: 'MESSAGE_TOO_LARGE',
  message:
    /^app\.files, id = 42: the server sent a message of 734\d{5} bytes; the limit is 67108864$/,
}

describe('a row of 70 MB ends the task with the name of its table and its key', () => {
  test('when it comes by the stream', { timeout: 60_000 }, async () => {
    await using db = await testDatabase()
    await db.query(TABLE)
    const run = await CaptureRun.start(db, sourceOf(db))
    await run.loaded()
    await db.query(INSERT)
    await assert.rejects(run.running, REFUSED)
    await assert.rejects(run[Symbol.asyncDispose](), REFUSED)
  })

  test('when it comes by a load', { timeout: 60_000 }, async () => {
    await using db = await testDatabase()
    await db.query(`${TABLE}; ${INSERT}`)
    const run = await CaptureRun.start(db, sourceOf(db))
    await assert.rejects(run.running, REFUSED)
    await assert.rejects(run[Symbol.asyncDispose](), REFUSED)
  })
})

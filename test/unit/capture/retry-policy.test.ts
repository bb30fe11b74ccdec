import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { RetryPolicy } from '../../../src/capture/retry-policy.ts'
import { CodedError, type ErrorCode } from '../../../src/core/errors.ts'

const error = (code: ErrorCode): CodedError => new CodedError(code, code)
const lost = error('CONNECTION_LOST')

/** A policy whose first stream began at `nowMs`. */
function streaming(nowMs = 0): RetryPolicy {
  const policy = new RetryPolicy()
  policy.succeeded(nowMs)
  return policy
}

describe('before the first stream', () => {
  const cases: [thrown: unknown, waitMs: number | null][] = [
    [lost, null],
    [error('NO_FREE_SENDER'), null],
    [error('LOGIN_FAILED'), null],
    [error('SLOT_IN_USE'), 100],
    [error('FENCED'), 100],
    [new Error('a bug'), null],
  ]
  for (const [thrown, waitMs] of cases) {
    const name = thrown instanceof CodedError ? thrown.code : 'an error without a code'
    test(`${name} is ${waitMs === null ? 'final' : 'retried'}`, () => {
      assert.equal(new RetryPolicy().failed(thrown, 0), waitMs)
    })
  }
})

describe('after it', () => {
  const cases: [thrown: unknown, isRetried: boolean][] = [
    [lost, true],
    [error('DISK_FULL'), true],
    [error('FENCED'), true],
    [error('SLOT_LOST'), false],
    [error('PROTOCOL_VIOLATION'), false],
    [new Error('a bug'), false],
    ['a thrown string', false],
  ]
  for (const [thrown, isRetried] of cases) {
    const name = thrown instanceof CodedError ? thrown.code : String(thrown)
    test(`${name} is ${isRetried ? 'retried' : 'final'}`, () => {
      assert.equal(streaming().failed(thrown, 0) !== null, isRetried)
    })
  }

  test('the wait doubles up to half a minute while nothing goes well', () => {
    const policy = streaming()
    const waits = Array.from({ length: 11 }, () => policy.failed(lost, 1000))
    assert.deepEqual(waits, [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000])
  })

  test('the wait grows too while a stream begins and breaks again and again', () => {
    const policy = streaming(0)
    assert.equal(policy.failed(lost, 10), 100)
    policy.succeeded(200)
    assert.equal(policy.failed(lost, 210), 200)
  })

  test('a stream that lasted a minute makes the next failure the first', () => {
    const policy = streaming(0)
    for (let i = 0; i < 5; i++) policy.failed(lost, 10)
    policy.succeeded(5000)
    assert.equal(policy.failed(lost, 65_001), 100)
  })

  test('the wait grows during an outage that follows a long stream', () => {
    // Every failed attempt counted as the end of the stream of hours ago, so the wait stayed at
    // 100 ms and a server that was down for a night was asked ten times a second.
    const policy = streaming(1000)
    const hours = 7_200_000
    const waits = [0, 100, 300, 700].map((later) => policy.failed(lost, hours + later))
    assert.deepEqual(waits, [100, 200, 400, 800])
  })
})

describe('being fenced', () => {
  const fenced = error('FENCED')

  test('is final the third time within a minute', () => {
    const policy = streaming()
    assert.equal(typeof policy.failed(fenced, 0), 'number')
    assert.equal(typeof policy.failed(fenced, 30_000), 'number')
    assert.equal(policy.failed(fenced, 59_999), null)
  })

  test('three times over more than a minute goes on', () => {
    const policy = streaming()
    for (const at of [0, 31_000, 62_000, 93_000]) {
      assert.equal(typeof policy.failed(fenced, at), 'number')
    }
  })
})

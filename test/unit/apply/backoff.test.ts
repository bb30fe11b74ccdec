import assert from 'node:assert/strict'
import { test } from 'node:test'

import { backoffMs } from '../../../src/apply/backoff.ts'

test('each wait is twice as long as the last, up to half a minute', () => {
  const waits = [0, 1, 2, 3, 4, 5, 6, 7, 1000].map(backoffMs)
  assert.deepEqual(waits, [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000])
})

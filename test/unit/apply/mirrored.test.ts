/** Which tables a target can hold that shows rows as they are now. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { requireKey } from '../../../src/apply/mirrored.ts'
import { CodedError } from '../../../src/core/errors.ts'
import type { Shape } from '../../../src/core/table.ts'

const SHAPE: Shape = {
  table: { namespace: 'app', name: 'Log' },
  oid: 1,
  number: 1,
  columns: [{ name: 'id', type: { oid: 23, name: 'int4', modifier: -1 }, wire: 0 }],
  key: [0],
}

test('one with a key can be held', () => requireKey(SHAPE))

test('one without is refused with its name, so that it alone is suspended', () => {
  assert.throws(
    () => requireKey({ ...SHAPE, key: [] }),
    (error: unknown) => {
      assert.ok(error instanceof CodedError)
      assert.deepEqual([error.code, error.details['table']], ['TABLE_WITHOUT_KEY', 'app.~4Cog'])
      assert.match(error.hint ?? '', /ADD PRIMARY KEY/)
      return true
    },
  )
})

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { wantedLoads } from '../../../../src/capture/loads/wanted-loads.ts'
import { ZERO_LSN } from '../../../../src/core/lsn.ts'
import { tableId, type TableId } from '../../../../src/core/table.ts'
import type { LoadState, TableState } from '../../../../src/lake/log/log-state.ts'

const NAME = { namespace: 'app', name: 'orders' }
const ORDERS = tableId(NAME)
const TABLE = { oid: 1, name: NAME, estimatedRows: 0, estimatedBytes: 0 }

function loadOf(fields: Partial<LoadState>): LoadState {
  const places = { since: 10, beganAt: 11, endedAt: 12 }
  const load = { load: 'l', lsn: ZERO_LSN, epoch: 1, shape: 's', rows: 0, parts: 0 }
  return { ...load, ...places, for: 'all', ...fields }
}

function request(after: number, consumer = 'shop/warehouse') {
  return { table: ORDERS, consumer, after, at: '2026-01-01T00:00:00Z' }
}

describe('a table is loaded', () => {
  const complete = { newestLoad: loadOf({}), openLoads: [] }
  const others = { newestLoad: loadOf({ for: ['shop/other'] }), openLoads: [] }
  const cases: {
    name: string
    state: Omit<TableState, 'shape'> | null
    requests: ReturnType<typeof request>[]
    wanted: 'all' | string[] | null
  }[] = [
    { name: 'that the log does not know', state: null, requests: [], wanted: 'all' },
    {
      name: 'of which there are changes but no load',
      state: { newestLoad: null, openLoads: [] },
      requests: [],
      wanted: 'all',
    },
    {
      name: 'not, while a load of it is under way',
      state: { newestLoad: null, openLoads: [loadOf({ endedAt: null })] },
      requests: [request(3)],
      wanted: null,
    },
    { name: 'not, once it is complete', state: complete, requests: [], wanted: null },
    {
      name: 'not, for who asked before the newest load',
      state: complete,
      requests: [request(10)],
      wanted: null,
    },
    {
      name: 'again, for who asked after it',
      state: complete,
      requests: [request(11)],
      wanted: ['shop/warehouse'],
    },
    {
      name: 'once for all who asked',
      state: complete,
      requests: [request(11), request(12, 'shop/other')],
      wanted: ['shop/warehouse', 'shop/other'],
    },
    {
      // Were it for the one alone, the other would be loaded for next, and so on in turn.
      name: 'for one whom the newest load does not name, and for him who has not taken that yet',
      state: others,
      requests: [request(4, 'shop/other'), request(3)],
      wanted: ['shop/other', 'shop/warehouse'],
    },
  ]
  for (const { name, state, requests, wanted } of cases) {
    test(name, () => {
      const tables = new Map<TableId, TableState>()
      if (state !== null) tables.set(ORDERS, { shape: 's', ...state })
      const found = wantedLoads({ tables }, [TABLE], { mode: 'full-load-and-cdc', requests })
      assert.deepEqual(found[0]?.for ?? null, wanted)
    })
  }

  test('under cdc only if somebody asks', () => {
    const look = (requests: ReturnType<typeof request>[]) =>
      wantedLoads({ tables: new Map() }, [TABLE], { mode: 'cdc', requests })
    assert.deepEqual(look([]), [])
    assert.deepEqual(look([request(3)])[0]?.for, ['shop/warehouse'])
  })
})

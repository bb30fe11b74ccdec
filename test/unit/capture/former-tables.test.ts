/** Tables of the log after an epoch that lost something: known by name alone, since OIDs may be those of others. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { mergeShape } from '../../../src/core/shape-diff.ts'
import { tableId, type Shape, type TableName } from '../../../src/core/table.ts'
import { wire } from '../../support/wire.ts'
import { Feed, shapeText } from './feed.ts'

const named = (name: string): TableName => ({ namespace: 'public', name })

function shapeOf(name: string, oid: number, columns: readonly string[], before?: Shape): Shape {
  return mergeShape(before ?? null, {
    table: named(name),
    oid,
    key: ['id'],
    columns: columns.map((column) => ({
      name: column,
      type: { oid: 25, name: 'text', modifier: -1 },
    })),
  })
}

/** The log had `a` with OID 1, of which a column was dropped, and `b` with OID 2. */
function feed(): Feed {
  const a = shapeOf('a', 1, ['id', 'note'], shapeOf('a', 1, ['id', 'gone', 'note']))
  const made = new Feed({ resume: { lsn: 0x100n, ordinal: 0, end: true } })
  for (const shape of [a, shapeOf('b', 2, ['id'])]) {
    made.tables.remember({ id: tableId(shape.table), shape })
  }
  return made
}

describe('a table of a former epoch', () => {
  test('is known by its name, though another one has its OID now', async () => {
    const one = feed()
    await one.take(
      wire.begin({ commitLsn: 0x100n }),
      wire.relation({ oid: 1, name: 'b', columns: ['id', 'more'] }),
      wire.insert(1, ['1', 'x']),
      wire.relation({ oid: 2, name: 'a', columns: ['id', 'note'] }),
      wire.insert(2, ['7', 'y']),
      wire.commit({ commitLsn: 0x100n, endLsn: 0x108n }),
    )
    // The columns keep their places in files, and no barrier takes one table for the other.
    assert.deepEqual(one.batch()?.tables, {
      'public.b': ['I 100/2 1,x'],
      'public.a': ['I 100/4 7,y'],
    })
    const shapes = [1, 2].map((oid) => shapeText(one.tables.get(oid)!.shape))
    assert.deepEqual(shapes, ['2(id,more)', '3(id,-gone,note)'])
  })

  test('has the shape it had if nothing changed, and one that comes back gets no other', () => {
    const { tables } = feed()
    const [id, other] = [tableId(named('b')), tableId(named('c'))]
    assert.equal(tables.shapeOf(2), null)
    assert.deepEqual(tables.shapeOf(2, id), shapeOf('b', 2, ['id']))
    assert.equal(tables.shapeOf(2, other), null)
    const now = shapeOf('b', 9, ['id', 'x'], tables.shapeOf(9, id)!)
    tables.introduce({ id, shape: now })
    assert.equal(tables.shapeOf(9, id), now)
  })
})

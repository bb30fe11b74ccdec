/** Shapes as files. */

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, test } from 'node:test'

import type { Shape } from '../../../src/core/table.ts'
import { shapeKey } from '../../../src/lake/layout.ts'
import { decodeShape, encodeShape } from '../../../src/lake/shape-json.ts'
import { Shapes } from '../../../src/lake/shapes.ts'
import { MemoryStore } from '../../../src/storage/memory-store.ts'
import { collect } from '../../support/collect.ts'

const int4 = { oid: 23, name: 'int4', modifier: -1 }
const SHAPE: Shape = {
  table: { namespace: 'app', name: 'Orders' },
  oid: 4_294_967_295,
  number: 2,
  columns: [
    { name: 'id', type: int4, wire: 0 },
    { name: 'gone', type: { oid: 25, name: 'text', modifier: -1 }, wire: null },
    {
      name: 'tags, "odd"',
      type: { oid: 1007, name: '_int4', modifier: -1, element: int4 },
      wire: 1,
    },
  ],
  key: [0],
}

describe('a shape', () => {
  test('is one line of JSON', () => {
    assert.equal(
      encodeShape({ ...SHAPE, columns: SHAPE.columns.slice(0, 2) }).toString(),
      '{"table":{"namespace":"app","name":"Orders"},"oid":4294967295,"number":2,"columns":[' +
        '{"name":"id","type":{"oid":23,"name":"int4","modifier":-1},"wire":0},' +
        '{"name":"gone","type":{"oid":25,"name":"text","modifier":-1},"wire":null}],"key":[0]}\n',
    )
  })

  test('survives the way there and back', () => {
    const listed = { omitted: ['secret'], listed: ['id'], rows: null }
    const filtered = { omitted: [], listed: null, rows: '(id > 5)' }
    for (const shape of [
      SHAPE,
      { ...SHAPE, narrowing: listed },
      { ...SHAPE, narrowing: filtered },
    ]) {
      assert.deepEqual(decodeShape(encodeShape(shape), 'x.json'), shape)
    }
  })

  test('is named by the first 12 digits of what sha256sum says of its file', () => {
    const hash = createHash('sha256').update(encodeShape(SHAPE)).digest('hex')
    assert.equal(shapeKey(SHAPE), `_millrace/shapes/app/~4Frders/${hash.slice(0, 12)}.json`)
  })

  const damages = [
    ['"key":[0]', '"key":[3]', 'key is not a list of columns'],
    ['"key":[0]', '"key":["id"]', 'key is not a list of integers'],
    ['"number":2', '"number":0', 'number is not an integer of at least 1'],
    ['"wire":1', '"wire":"1"', 'columns[2].wire is not an integer of at least 0'],
    ['"element":{"oid":23', '"element":{"oid":-23', 'columns[2].type.element.oid is not '],
    ['"name":"id",', '', 'columns[0].name is missing'],
  ] as const
  for (const [good, bad, message] of damages) {
    test(`with ${bad || 'nothing'} for ${good} is damaged: ${message}`, () => {
      const text = encodeShape(SHAPE).toString()
      assert.ok(text.includes(good))
      assert.throws(
        () => decodeShape(Buffer.from(text.replace(good, bad)), 'x.json'),
        (error: Error & { code: string }) =>
          error.code === 'LAKE_DAMAGED' && error.message.startsWith(`x.json: ${message}`),
      )
    })
  }
})

describe('the shapes of a lake', () => {
  test('are written once, whoever writes them and however often', async () => {
    const store = new MemoryStore()
    const [one, other] = [new Shapes(store), new Shapes(store)]
    const keys = [await one.write(SHAPE), await one.write({ ...SHAPE }), await other.write(SHAPE)]
    assert.deepEqual(new Set(keys), new Set([shapeKey(SHAPE)]))
    assert.deepEqual(await collect(store.list('')), [shapeKey(SHAPE)])
  })

  test('are read from the store once', async () => {
    const store = new MemoryStore()
    const key = await new Shapes(store).write(SHAPE)
    const shapes = new Shapes(store)
    const first = await shapes.read(key)
    await store.delete(key)
    assert.deepEqual(first, SHAPE)
    assert.equal(await shapes.read(key), first)
  })

  test('are missed when their file is gone', async () => {
    const shapes = new Shapes(new MemoryStore())
    await assert.rejects(shapes.read(shapeKey(SHAPE)), { code: 'OBJECT_MISSING' })
  })

  test('are damaged when their file has other content than its name says', async () => {
    const store = new MemoryStore()
    await store.put(shapeKey(SHAPE), encodeShape({ ...SHAPE, number: 3 }))
    await assert.rejects(new Shapes(store).read(shapeKey(SHAPE)), { code: 'LAKE_DAMAGED' })
  })
})

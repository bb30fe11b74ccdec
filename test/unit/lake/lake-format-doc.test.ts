/** The examples of docs/lake-format.md are what the code reads and writes, byte for byte. */

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'

import { packageRoot } from '../../../src/cli/package-root.ts'
import { BlockPool } from '../../../src/core/change-log.ts'
import { lsn } from '../../../src/core/lsn.ts'
import { encodeChanges } from '../../../src/lake/codecs/csv-encoder.ts'
import { createOrCheck, readLakeInfo } from '../../../src/lake/lake-info.ts'
import { KEPT_KEY, LAKE_INFO_KEY, manifestKey, shapeKey } from '../../../src/lake/layout.ts'
import { LogReader } from '../../../src/lake/log/log-reader.ts'
import { decodeManifest, encodeManifest } from '../../../src/lake/log/manifest-json.ts'
import { listRequests, writeRequest } from '../../../src/lake/requests.ts'
import { listRegistrations, writeRegistration } from '../../../src/lake/retention/consumers.ts'
import { readKept, writeKept } from '../../../src/lake/retention/kept.ts'
import { decodeShape, encodeShape } from '../../../src/lake/shape-json.ts'
import { Shapes } from '../../../src/lake/shapes.ts'
import { MemoryStore } from '../../../src/storage/memory-store.ts'
import { changesOf } from '../../support/tuples.ts'

const doc = await readFile(join(packageRoot(), 'docs/lake-format.md'), 'utf8')
const [info, manifest, shape, request, consumer, kept] = blocks('json')
const [csv] = blocks('csv')

test('the manifest of the page is what would be written', () => {
  const decoded = decodeManifest(Buffer.from(manifest!), manifestKey(42))
  assert.equal(encodeManifest(decoded).toString(), manifest)
})

test('the shape of the page is what would be written, under the name in the manifest', () => {
  const decoded = decodeShape(Buffer.from(shape!), 'the page')
  assert.equal(encodeShape(decoded).toString(), shape)
  assert.ok(manifest!.includes(`"shape":"${shapeKey(decoded)}"`))
})

test('the file of the page is what the manifest names, and reads as the page says', async () => {
  const store = new MemoryStore()
  const decoded = decodeShape(Buffer.from(shape!), 'the page')
  const shapes = new Shapes(store)
  await shapes.write(decoded)
  const [entry] = decodeManifest(Buffer.from(manifest!), manifestKey(42)).entries
  assert.ok(entry?.type === 'changes')
  await store.put(entry.path, Buffer.from(csv!))
  const reader = new LogReader({ store, shapes, rollupEvery: 1000 })

  const changes = await reader.readChanges(entry, new BlockPool())
  const rows = changesOf(changes)
  assert.deepEqual(
    rows.map((row) => [row.op, lsn(row.lsn), row.ordinal]),
    [
      ['insert', entry.first.lsn, 2],
      ['update', entry.first.lsn, 6],
      ['delete', entry.last.lsn, 2],
      ['insert', entry.last.lsn, 3],
      ['truncate', entry.last.lsn, 4],
    ],
  )

  const columns = decoded.columns.map((column, i) => ({ ...column, wire: i }))
  const aligned = { ...decoded, columns }
  const again = Buffer.concat([...encodeChanges({ shape: aligned, changes }, entry.order)])
  assert.equal(again.toString(), csv)
})

test('the lake and the request of the page are what would be written', async () => {
  const store = new MemoryStore()
  await store.put(LAKE_INFO_KEY, Buffer.from(info!))
  const fresh = new MemoryStore()
  await createOrCheck(fresh, await readLakeInfo(store))
  assert.equal(String(await fresh.get(LAKE_INFO_KEY)), info)

  const key = '_millrace/requests/shop/warehouse/app.orders.json'
  await store.put(key, Buffer.from(request!))
  const [decoded] = await listRequests(store)
  await writeRequest(fresh, decoded!)
  assert.equal(String(await fresh.get(key)), request)
})

test('the registration and the removals of the page are what would be written', async () => {
  const store = new MemoryStore()
  const [key, fresh] = ['_millrace/consumers/shop/warehouse.json', new MemoryStore()]
  await store.put(key, Buffer.from(consumer!))
  const [registration] = await listRegistrations(store)
  await writeRegistration(fresh, registration!)
  assert.equal(String(await fresh.get(key)), consumer)

  await store.put(KEPT_KEY, Buffer.from(kept!))
  await writeKept(fresh, await readKept(store))
  assert.equal(String(await fresh.get(KEPT_KEY)), kept)
})

/** The contents of all fenced blocks of a language. */
function blocks(language: string): string[] {
  const pattern = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms')
  return Array.from(doc.matchAll(pattern), ([, content]) => content!)
}

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, test } from 'node:test'
import { gunzipSync } from 'node:zlib'

import { CodedError } from '../../../src/core/errors.ts'
import type { Body } from '../../../src/core/object-store.ts'
import { writeDataFile } from '../../../src/lake/data-file.ts'
import { MemoryStore } from '../../../src/storage/memory-store.ts'
import { collect } from '../../support/collect.ts'

const PIECES = ['id,name\n', '1,Ada\n'.repeat(1000), '2,Bob\n'].map((text) => Buffer.from(text))
const CONTENT = Buffer.concat(PIECES)

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

async function* later(pieces: readonly Buffer[]): AsyncGenerator<Buffer> {
  yield* pieces
}

describe('a data file', () => {
  for (const format of ['csv', 'csv.gz'] as const) {
    for (const [name, pieces] of [
      ['at hand', () => PIECES],
      ['that come one by one', () => later(PIECES)],
    ] as const) {
      test(`of ${format} has the pieces ${name}, and is described as it is stored`, async () => {
        const store = new MemoryStore()
        const written = await writeDataFile(store, { key: 'f', format }, pieces())
        const stored = (await store.get('f'))!
        assert.ok((format === 'csv' ? stored : gunzipSync(stored)).equals(CONTENT))
        assert.deepEqual(written, { bytes: stored.length, sha256: sha256(stored) })
      })
    }

    test(`of ${format} that cannot be made is not stored`, async () => {
      const store = new MemoryStore()
      async function* failing(): AsyncGenerator<Buffer> {
        yield CONTENT
        throw new CodedError('CONNECTION_LOST', 'in the middle')
      }
      await assert.rejects(writeDataFile(store, { key: 'f', format }, failing()), {
        code: 'CONNECTION_LOST',
      })
      assert.deepEqual(await collect(store.list('')), [])
    })

    test(`of ${format} that cannot be stored ends its source`, async () => {
      let tellEnd = (): void => {}
      const ended = new Promise<void>((resolve) => {
        tellEnd = resolve
      })
      async function* endless(): AsyncGenerator<Buffer> {
        try {
          for (;;) yield CONTENT
        } finally {
          tellEnd()
        }
      }
      await assert.rejects(writeDataFile(new FullStore(), { key: 'f', format }, endless()), {
        code: 'DISK_FULL',
      })
      await ended
    })
  }
})

/** Takes one piece, and then its disk is full. */
class FullStore extends MemoryStore {
  override async put(_key: string, body: Body): Promise<void> {
    if (body instanceof Uint8Array) return
    for await (const _ of body) throw new CodedError('DISK_FULL', 'full')
  }
}

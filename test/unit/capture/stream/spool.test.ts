import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'

import fc from 'fast-check'

import { Spool } from '../../../../src/capture/stream/spool.ts'
import { FrameCursor } from '../../../../src/postgres/copy-stream.ts'
import { wire } from '../../../support/wire.ts'

const OID = 16_384

describe('the spool', () => {
  test('gives back at commit what was streamed, message by message', async () => {
    await using place = await folder()
    const { spool } = place
    const rows = Array.from({ length: 5000 }, (_, i) =>
      wire.insert(OID, [String(i), 'x'.repeat(100)], { xid: 7 }),
    )
    stream(spool, 7, rows.slice(0, 3000))
    await spool.drain()
    stream(spool, 7, rows.slice(3000))
    assert.deepEqual(await committed(spool, 7), rows)
    assert.equal(spool.size, 0)
    assert.deepEqual(await readdir(place.path), [])
  })

  test('keeps transactions apart whose blocks come in turn', async () => {
    await using place = await folder()
    const { spool } = place
    const row = (xid: number, id: string): Buffer => wire.insert(OID, [id], { xid })
    stream(spool, 1, [row(1, 'a')])
    stream(spool, 2, [row(2, 'b')])
    stream(spool, 1, [row(1, 'c')])
    assert.deepEqual(await committed(spool, 2), [row(2, 'b')])
    assert.deepEqual(await committed(spool, 1), [row(1, 'a'), row(1, 'c')])
  })

  test('leaves out exactly what a rolled back subtransaction did', async () => {
    await using place = await folder()
    const { spool } = place
    const row = (xid: number, id: string): Buffer => wire.insert(OID, [id], { xid })
    stream(spool, 1, [row(1, 'kept'), row(2, 'gone'), row(3, 'kept too'), row(2, 'gone too')])
    await spool.abort(1, 2)
    assert.deepEqual(await committed(spool, 1), [row(1, 'kept'), row(3, 'kept too')])
  })

  test('gives back what came, though its buffers are filled again and again', async () => {
    await using place = await folder()
    const { spool } = place
    const rows = Array.from({ length: 20 }, (_, i) =>
      wire.insert(OID, [String(i), 'x'.repeat(i === 9 ? 700_000 : 100_000)], { xid: 1 }),
    )
    for (const row of rows) {
      stream(spool, 1, [row])
      await spool.drain()
    }
    assert.deepEqual(await committed(spool, 1), rows)
  })

  test('forgets a transaction that was rolled back, and its file', async () => {
    await using place = await folder()
    const { spool } = place
    stream(spool, 1, [wire.insert(OID, ['x'.repeat(300_000)], { xid: 1 })])
    stream(spool, 1, [wire.insert(OID, ['y'], { xid: 1 })])
    await spool.drain()
    assert.deepEqual(await readdir(place.path), ['1.spool'])
    await spool.abort(1, 1)
    assert.deepEqual(await readdir(place.path), [])
    await assert.rejects(committed(spool, 1), { code: 'PROTOCOL_VIOLATION' })
  })

  test('begins with an empty folder, whatever a crash has left there', async () => {
    await using place = await folder()
    await writeFile(join(place.path, '5.spool'), 'half a transaction')
    await Spool.open(place.path)
    assert.deepEqual(await readdir(place.path), [])
  })

  test('holds messages of any size, wherever it is drained', async () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 400_000 }), { maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(sizes, fc.infiniteStream(fc.boolean()), async (lengths, drains) => {
        await using place = await folder()
        const { spool } = place
        const rows = lengths.map((length) => wire.insert(OID, ['v'.repeat(length)], { xid: 9 }))
        for (const row of rows) {
          stream(spool, 9, [row])
          if (drains.next().value) await spool.drain()
        }
        if (rows.length > 0) assert.deepEqual(await committed(spool, 9), rows)
      }),
      { numRuns: 25 },
    )
  })
})

function stream(spool: Spool, xid: number, messages: readonly Buffer[]): void {
  spool.begin(wire.streamStart(xid))
  for (const message of messages) spool.append(message, 0, message.length)
  spool.end()
}

/** The surviving messages after the Stream Start with which every file begins. */
async function committed(spool: Spool, xid: number): Promise<Buffer[]> {
  const frames = new FrameCursor()
  const messages: Buffer[] = []
  for await (const block of spool.commit(xid)) {
    frames.open(block)
    while (frames.next()) {
      const { bytes, start, end } = frames
      if (spool.survives(xid, bytes, start)) messages.push(Buffer.from(bytes.subarray(start, end)))
    }
  }
  const [first, ...rest] = messages
  assert.equal(first?.[0], 0x53)
  return rest
}

async function folder(): Promise<{ path: string; spool: Spool } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'spool-'))
  const spool = await Spool.open(path)
  return {
    path,
    spool,
    async [Symbol.asyncDispose]() {
      await spool[Symbol.asyncDispose]()
      await rm(path, { recursive: true })
    },
  }
}

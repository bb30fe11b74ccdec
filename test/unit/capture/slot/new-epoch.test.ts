/** A new epoch after a loss: what is lost, what is written, and where it may be killed. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { guardPlace } from '../../../../src/capture/slot/guards.ts'
import { beginEpoch, type Way } from '../../../../src/capture/slot/new-epoch.ts'
import type { LoadSnapshot, OpenSlot, Source } from '../../../../src/capture/source.ts'
import { CodedError } from '../../../../src/core/errors.ts'
import { lsn } from '../../../../src/core/lsn.ts'
import type { Manifest, RunInfo } from '../../../../src/core/manifest.ts'
import type { Body, PutOptions } from '../../../../src/core/object-store.ts'
import { manifestKey } from '../../../../src/lake/layout.ts'
import { LogReader } from '../../../../src/lake/log/log-reader.ts'
import { LogWriter } from '../../../../src/lake/log/log-writer.ts'
import { Shapes } from '../../../../src/lake/shapes.ts'
import { MemoryStore } from '../../../../src/storage/memory-store.ts'
import { collect } from '../../../support/collect.ts'
import { RUN } from '../../../support/manifests.ts'
import { ManualClock } from '../manual-clock.ts'
import { ScriptedStream } from '../scripted-stream.ts'

const NEVER = new AbortController().signal
const ELSEWHERE = { ...RUN, systemId: '7' }
/** The lake of every test ends here. */
const CONFIRM = 0x100n

/** A server with a slot; `null` if there is none. */
class ScriptedServer implements Source {
  readonly catalog = { describe: () => Promise.reject(new Error('nothing is streamed')) }
  run: RunInfo = RUN
  timeline = 1
  walEnd = 0x900n
  slot: bigint | null = CONFIRM
  isLost = false
  /** What happens while our slot is being opened. */
  meanwhile = (): Promise<void> => Promise.resolve()
  openSlots = 0

  async prepare() {
    if (this.isLost) throw new CodedError('SLOT_LOST', 'it was not dropped')
    return { run: this.run, tables: [] }
  }

  async dropLostSlot(): Promise<void> {
    if (this.isLost) this.slot = null
    this.isLost = false
  }

  async open(): Promise<OpenSlot> {
    await this.meanwhile()
    const isNew = this.slot === null
    this.slot ??= this.walEnd
    this.openSlots++
    return {
      timeline: this.timeline,
      confirmed: lsn(this.slot),
      walEnd: lsn(this.walEnd),
      snapshot: isNew ? await this.snapshot() : null,
      isStreaming: false,
      stream: new ScriptedStream(),
      [Symbol.asyncDispose]: async () => void this.openSlots--,
    }
  }

  async timelineHistory() {
    return [{ timeline: 1, at: lsn(0x80n) }]
  }

  async snapshot(): Promise<LoadSnapshot> {
    const open = () => Promise.reject(new Error('nothing is loaded'))
    return { lsn: lsn(this.walEnd), open, [Symbol.asyncDispose]: async () => {} }
  }
}

/** Dies at a put whose key matches: before it takes effect, or after. */
class MortalStore extends MemoryStore {
  dies: { readonly at: RegExp; readonly when: 'before' | 'after' } | null = null

  override async put(key: string, body: Body, options?: PutOptions): Promise<void> {
    const isHere = this.dies?.at.test(key)
    if (isHere && this.dies?.when === 'before') throw new Error('killed')
    await super.put(key, body, options)
    if (isHere) throw new Error('killed')
  }
}

class Lake {
  readonly store = new MortalStore()
  readonly shapes = new Shapes(this.store)
  readonly reader: LogReader
  readonly clock = new ManualClock(1_795_428_000_000)

  constructor() {
    const { store, shapes } = this
    this.reader = new LogReader({ store, shapes, rollupEvery: 1000 })
  }

  /** With one manifest, as a first run leaves it. */
  static async begun(): Promise<Lake> {
    const lake = new Lake()
    const start = { lsn: lsn(CONFIRM), timeline: 1 }
    await lake.writer('w1').open(await lake.reader.recover(), RUN, start)
    return lake
  }

  writer(name: string): LogWriter {
    const { store, shapes, reader, clock } = this
    const { rollups } = reader
    return new LogWriter({ store, shapes, reader, clock, rollups, writer: name, format: 'csv' })
  }

  begin(source: ScriptedServer, way: Way) {
    const { reader, clock } = this
    return beginEpoch({ source, reader, clock, newWriter: () => this.writer('w2') }, way, NEVER)
  }

  manifests(): Promise<Manifest[]> {
    const { store, shapes } = this
    // One that remembers nothing.
    return collect(new LogReader({ store, shapes, rollupEvery: 1000 }).manifests(1))
  }

  /** `open 1 100`: kind, epoch and place of each manifest. */
  async lines(): Promise<string[]> {
    return (await this.manifests()).map(
      ({ kind, epoch, to }) => `${kind} ${epoch} ${to.lsn.toString(16)}`,
    )
  }
}

type Change = (server: ScriptedServer) => void

const LOSSES: readonly (readonly [name: string, way: Way, change: Change, code: string])[] = [
  ['a slot that is gone', 'same-server', (one) => void (one.slot = null), 'SLOT_LOST'],
  ['a slot that was given up', 'same-server', (one) => void (one.isLost = true), 'SLOT_LOST'],
  ['a slot that is ahead', 'same-server', (one) => void (one.slot = 0x101n), 'SLOT_MOVED'],
  ['another server', 'another-server', (one) => void (one.run = ELSEWHERE), 'SOURCE_CHANGED'],
  [
    'another database',
    'another-server',
    (one) => void (one.run = { ...RUN, database: 'copy' }),
    'SOURCE_CHANGED',
  ],
  ['another history', 'another-server', (one) => void (one.timeline = 2), 'TIMELINE_DIVERGED'],
  [
    'a state from before',
    'another-server',
    (one) => void ([one.walEnd, one.slot] = [0xf0n, 0xe0n]),
    'TIMELINE_DIVERGED',
  ],
]

describe('a new epoch', () => {
  for (const [name, way, change, code] of LOSSES) {
    test(`begins after ${name}, where its slot stands`, async () => {
      const lake = await Lake.begun()
      const server = new ScriptedServer()
      change(server)
      const begun = await lake.begin(server, way)
      assert.deepEqual([begun?.n, begun?.epoch, begun?.loss.code], [3, 2, code])
      const at = server.slot!.toString(16)
      assert.deepEqual(await lake.lines(), ['open 1 100', 'open 1 100', `epoch 2 ${at}`])
      const [, open, epoch] = await lake.manifests()
      // Until the epoch stands there, the log says that it is of the old server.
      assert.ok(open?.kind === 'open' && epoch?.kind === 'epoch')
      assert.deepEqual([open.run, open.timeline], [RUN, 1])
      assert.deepEqual([epoch.run, epoch.timeline], [server.run, server.timeline])
      assert.deepEqual([epoch.continues, epoch.confirm], [false, server.slot])
      assert.equal(server.openSlots, 0)
    })

    for (const [point, at, when] of [
      ['before its open manifest', 2, 'before'],
      ['after it', 2, 'after'],
      ['before the epoch', 3, 'before'],
    ] as const) {
      test(`after ${name} may be killed ${point}, and begins all the same`, async () => {
        const lake = await Lake.begun()
        const server = new ScriptedServer()
        change(server)
        lake.store.dies = { at: new RegExp(manifestKey(at)), when }
        await assert.rejects(lake.begin(server, way), /killed/)
        lake.store.dies = null
        const head = await lake.reader.recover()
        assert.deepEqual([head.epoch, head.run, head.timeline], [1, RUN, 1])
        const begun = await lake.begin(server, way)
        assert.equal(begun?.epoch, 2)
        assert.equal((await lake.lines()).at(-1), `epoch 2 ${server.slot!.toString(16)}`)
      })
    }

    test(`after ${name} is there when its answer got lost, and does not begin twice`, async () => {
      const lake = await Lake.begun()
      const server = new ScriptedServer()
      change(server)
      lake.store.dies = { at: new RegExp(manifestKey(3)), when: 'after' }
      await assert.rejects(lake.begin(server, way), /killed/)
      lake.store.dies = null
      assert.equal(await lake.begin(server, way), null)
      assert.equal((await lake.manifests()).length, 3)
    })
  }

  test('does not begin while nothing is lost', async () => {
    const lake = await Lake.begun()
    for (const way of ['same-server', 'another-server'] as const) {
      assert.equal(await lake.begin(new ScriptedServer(), way), null)
    }
    assert.deepEqual(await lake.lines(), ['open 1 100'])
  })

  test('of another server does not begin unless that is meant', async () => {
    for (const [, way, change, code] of LOSSES) {
      if (way === 'same-server') continue
      const lake = await Lake.begun()
      const server = new ScriptedServer()
      change(server)
      await assert.rejects(lake.begin(server, 'same-server'), { code })
      assert.deepEqual(await lake.lines(), ['open 1 100'])
    }
  })

  test('begins after what the old run wrote at the last moment', async () => {
    const lake = await Lake.begun()
    const server = new ScriptedServer()
    server.run = ELSEWHERE
    // It knows nothing of the other server, and writes what is true of its own.
    const zombie = lake.writer('w0')
    await zombie.open(await lake.reader.recover(), RUN, { lsn: lsn(CONFIRM), timeline: 1 })
    server.meanwhile = async () => void (await zombie.heartbeat(lsn(0x180n)))
    await lake.begin(server, 'another-server')
    const kinds = ['open 1 100', 'open 1 100', 'heartbeat 1 180', 'open 1 180', 'epoch 2 100']
    assert.deepEqual(await lake.lines(), kinds)
    await assert.rejects(zombie.heartbeat(lsn(0x200n)), { code: 'FENCED' })
  })

  test('is tried again when another process was faster', async () => {
    const lake = await Lake.begun()
    const server = new ScriptedServer()
    server.slot = null
    let calls = 0
    server.meanwhile = async () => {
      if (++calls === 1) throw new CodedError('SLOT_IN_USE', 'by a task that is started again')
    }
    const beginning = lake.begin(server, 'same-server')
    await lake.clock.pass(500)
    assert.equal((await beginning)?.epoch, 2)
  })

  test('has nothing to begin in an empty lake', async () => {
    const lake = new Lake()
    await assert.rejects(lake.begin(new ScriptedServer(), 'same-server'), { code: 'LAKE_MISSING' })
  })
})

test('a log that reaches beyond the WAL of its server was not filled from it as it is', async () => {
  const head = { timeline: 1, to: { lsn: lsn(9n), ordinal: 0, end: true }, confirm: lsn(9n) }
  const place = { timeline: 1, confirmed: lsn(3n) }
  await guardPlace(head, { ...place, walEnd: lsn(9n) }, {})
  await assert.rejects(guardPlace(head, { ...place, walEnd: lsn(8n) }, {}), {
    code: 'TIMELINE_DIVERGED',
    message: 'the WAL of the server ends at 0/8, and the lake holds up to 0/9',
  })
})

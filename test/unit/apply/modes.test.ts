/** Tables that keep what is gone, through the whole apply loop: random histories against a naive model. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import fc from 'fast-check'

import { PLAIN, type FormOf } from '../../../src/apply/forms.ts'
import type { ShapeReader } from '../../../src/apply/log.ts'
import { timeText } from '../../../src/core/kept-rows.ts'
import type { Mode } from '../../../src/core/mode.ts'
import { tableName, type Shape } from '../../../src/core/table.ts'
import { UNCHANGED, type TestChange, type Value } from '../../support/tuples.ts'
import { Desk, LARGE } from './desk.ts'
import { id, loadBegin, loadEnd, rename, reshape, ScriptedLog } from './scripted-log.ts'

const RUNS = Number(process.env['FC_RUNS'] ?? 100)

function inMode(mode: Mode): { formOf: FormOf } {
  return { formOf: () => ({ ...PLAIN, mode }) }
}

/** What a source does: `[what, key, other key]`. What makes no sense at its time is passed over. */
type Deed = readonly [
  'insert' | 'update' | 'touch' | 'delete' | 'move' | 'truncate',
  number,
  number,
]

const deed: fc.Arbitrary<Deed> = fc.tuple(
  fc.constantFrom('insert', 'update', 'touch', 'delete', 'move', 'insert', 'move', 'truncate'),
  fc.nat(3),
  fc.nat(3),
)

/** The table at the source, what every mode should make of it, and the log of it. */
class Source {
  readonly rows = new Map<string, string>()
  /** Of rows that are gone: the value and the time. */
  readonly gone = new Map<string, readonly [string, string]>()
  /** `op id v` */
  readonly versions: string[] = []
  readonly changes: TestChange[] = []
  #lsn: number
  #value = 0

  constructor(lsn: number) {
    this.#lsn = lsn
  }

  get lsn(): number {
    return this.#lsn
  }

  do([what, a, b]: Deed): void {
    const [key, other] = [`k${a}`, `k${b}`]
    const has = this.rows.has(key)
    const fresh = `v${++this.#value}`
    if (what === 'truncate') {
      const time = this.#change('truncate', 2, [])
      this.versions.push('T null null')
      for (const [gone, value] of this.rows) this.gone.set(gone, [value, time])
      this.rows.clear()
    } else if (what === 'insert' && !has) {
      this.#change('insert', 2, [key, fresh])
      this.#put(key, fresh, 'I')
    } else if (what === 'update' && has) {
      this.#change('update', 2, [key, fresh])
      this.#put(key, fresh, 'U')
    } else if (what === 'touch' && has) {
      this.#change('update', 2, [key, UNCHANGED])
      this.#put(key, this.rows.get(key)!, 'U')
    } else if (what === 'delete' && has) {
      this.#end(key, this.#change('delete', 2, [key, null]))
    } else if (what === 'move' && has && !this.rows.has(other)) {
      const value = this.rows.get(key)!
      this.#end(key, this.#change('delete', 2, [key, null]))
      this.#lsn--
      this.#change('insert', 3, [other, UNCHANGED])
      this.#put(other, value, 'I')
    }
  }

  #put(key: string, value: string, op: string): void {
    this.rows.set(key, value)
    this.gone.delete(key)
    this.versions.push(`${op} ${key} ${value}`)
  }

  #end(key: string, time: string): void {
    this.gone.set(key, [this.rows.get(key)!, time])
    this.rows.delete(key)
    this.versions.push(`D ${key} null`)
  }

  #change(op: TestChange['op'], ordinal: number, values: readonly Value[]): string {
    const lsn = BigInt(++this.#lsn)
    const committedAt = lsn * 1_000_000n
    this.changes.push({ op, lsn, ordinal, values, committedAt })
    return timeText(committedAt)
  }
}

const NAME = tableName(id('a'))

/** The table as rows, each `id v` and what the mode adds, without what only tells the place. */
function found(desk: Desk, mode: Mode): string[] {
  const rows = [...(desk.target.rows(NAME)?.values() ?? [])]
  if (mode !== 'history') return rows.map((row) => row.join(' ')).toSorted()
  return rows
    .toSorted((a, b) => Number(a[3]) - Number(b[3]) || Number(b[2] === 'T') - Number(a[2] === 'T'))
    .map(([key, value, op]) => `${op} ${key} ${value}`)
}

function expected(source: Source, mode: Mode): string[] {
  if (mode === 'history') return source.versions
  const there = [...source.rows].map(([key, value]) => [
    key,
    value,
    ...(mode === 'mirror' ? [] : ['']),
  ])
  const gone = [...source.gone].map(([key, [value, time]]) => [key, value, time])
  return [...there, ...(mode === 'mirror' ? [] : gone)].map((row) => row.join(' ')).toSorted()
}

/** Cuts the changes into files and manifests, never between the two halves of a changed key. */
function write(log: ScriptedLog, changes: readonly TestChange[], cuts: readonly number[]): void {
  let file: TestChange[] = []
  const close = (): void => {
    const last = file.at(-1)
    if (last === undefined) return
    log.changes({ to: [Number(last.lsn), last.ordinal], entries: [log.rows('a', file)] })
    file = []
  }
  for (const [i, one] of changes.entries()) {
    if (one.ordinal === 2 && cuts[i % cuts.length] === 0) close()
    file.push(one)
  }
  close()
}

describe('a table', () => {
  for (const mode of ['mirror', 'soft-delete', 'history'] as const) {
    test(`in mode ${mode} is as the history of the source says, however it is cut`, async () => {
      const histories = fc.tuple(
        fc.array(deed, { maxLength: 40 }),
        fc.array(fc.nat(3), { minLength: 1, maxLength: 9 }),
        fc.nat(4),
        fc.nat(3),
      )
      await fc.assert(
        fc.asyncProperty(histories, async ([deeds, cuts, rows, manifests]) => {
          const source = new Source(20)
          for (const one of deeds) source.do(one)
          const log = logWithLoad([])
          write(log, source.changes, cuts)
          const limits = { ...LARGE, rows: 1 + rows, manifests: 1 + manifests }
          const desk = new Desk(log, { ...inMode(mode), limits })
          await desk.applier.drainOnce()
          const told =
            mode === 'history' ? ['T null null', ...expected(source, mode)] : expected(source, mode)
          assert.deepEqual(found(desk, mode), told)
          assert.equal(desk.pool.bytesInUse, 0)
        }),
        { numRuns: RUNS },
      )
    })
  }
})

/** A log that begins with a load of the rows. */
function logWithLoad(rows: readonly (readonly Value[])[]): ScriptedLog {
  const log = new ScriptedLog().open()
  const entries = [loadBegin('a', 'l1', { lsn: 5, since: 1 }), log.part('a', 'l1', rows), loadEnd('a', 'l1')] // prettier-ignore
  return log.changes({ to: [10, 0], confirm: 10, entries })
}

const AT = (n: number): string => timeText(BigInt(n) * 1_000_000n)

function change(op: TestChange['op'], lsn: number, values: readonly Value[]): TestChange {
  return { op, lsn: BigInt(lsn), ordinal: 2, values, committedAt: BigInt(lsn) * 1_000_000n }
}

/** Begins another load of the table, with these rows, true at `lsn`. */
function loadAgain(
  log: ScriptedLog,
  load: string,
  { lsn, rows }: { readonly lsn: number; readonly rows: readonly (readonly Value[])[] },
): void {
  const since = log.manifests.length
  const begin = loadBegin('a', load, { lsn, since })
  log.changes({ entries: [begin] })
  log.changes({ to: [lsn, 0], confirm: lsn, entries: [log.part('a', load, rows), loadEnd('a', load)] }) // prettier-ignore
}

describe('a load', () => {
  const LOADED = [['k1', 'one'], ['k2', 'two']] // prettier-ignore

  test('of a table that keeps deleted rows is marked as there', async () => {
    const desk = new Desk(logWithLoad(LOADED), inMode('soft-delete'))
    await desk.applier.drainOnce()
    assert.deepEqual(found(desk, 'soft-delete'), ['k1 one ', 'k2 two '])
  })

  test('again leaves rows that are gone, and marks those whose delete nobody saw', async () => {
    const log = logWithLoad([...LOADED, ['k3', 'three']])
    log.changes({ to: [20, 2], entries: [log.rows('a', [change('delete', 20, ['k1', null])])] })
    const place = new Desk(log, inMode('soft-delete'))
    await place.applier.drainOnce()
    loadAgain(log, 'l2', { lsn: 30, rows: [['k3', 'new']] })
    await place.applier.drainOnce()
    // k2 is missing in the load: it is marked with the time of the manifest that began it.
    const began = new Date(4000).toISOString()
    const seen = `${began.slice(0, 10)} ${began.slice(11, -1)}+00`
    assert.deepEqual(found(place, 'soft-delete'), [`k1 one ${AT(20)}`, `k2 two ${seen}`, 'k3 new '])
  })

  test('again is a stretch of its own in a history, and what came before stays, each once', async () => {
    const log = logWithLoad(LOADED)
    log.changes({ to: [20, 2], entries: [log.rows('a', [change('update', 20, ['k1', 'b'])])] })
    const desk = new Desk(log, inMode('history'))
    await desk.applier.drainOnce()
    loadAgain(log, 'l2', { lsn: 30, rows: [['k1', 'c']] })
    log.changes({
      to: [40, 2],
      entries: [log.rows('a', [change('update', 40, ['k1', UNCHANGED])])],
    })
    await desk.applier.drainOnce()
    assert.deepEqual(found(desk, 'history'), [
      'T null null', 'I k1 one', 'I k2 two', 'U k1 b', 'T null null', 'I k1 c', 'U k1 c',
    ]) // prettier-ignore
    const places = [...desk.target.rows(NAME)!.values()].map(
      (row) => `${row[2]} ${row[4]} ${row[5]}`,
    )
    assert.equal(places.filter((one) => one === 'I 5 0').length, 2)
    assert.ok(places.includes('T 30 0') && places.includes('U 40 2'), places.join('\n'))
  })

  test('again does not bring changes twice that both tables have', async () => {
    const log = logWithLoad(LOADED)
    const desk = new Desk(log, inMode('history'))
    await desk.applier.drainOnce()
    log.changes({ entries: [loadBegin('a', 'l2', { lsn: 20, since: 2 })] })
    log.changes({ to: [25, 2], entries: [log.rows('a', [change('update', 25, ['k2', 'x'])])] })
    await desk.applier.drainOnce()
    log.changes({ entries: [log.part('a', 'l2', LOADED), loadEnd('a', 'l2')] })
    await desk.applier.drainOnce()
    const told = found(desk, 'history')
    assert.equal(told.filter((one) => one === 'U k2 x').length, 1)
    assert.equal(told.length, 7)
  })
})

describe('a table without a key', () => {
  test('is held by who keeps every version, and refused alone by who does not', async () => {
    const read = async (key: string): Promise<Shape> => ({ ...(await log.read(key)), key: [] })
    const log = logWithLoad([['same', 'row'], ['same', 'row']]) // prettier-ignore
    const deletes = [change('delete', 20, ['same', 'row'])]
    log.changes({ to: [20, 2], entries: [log.rows('a', deletes)] })
    const desk = new Desk(log, { ...inMode('history'), shapes: { read } })
    await desk.applier.drainOnce()
    assert.deepEqual(found(desk, 'history'), [
      'T null null', 'I same row', 'I same row', 'D same row',
    ]) // prettier-ignore
    const soft = new Desk(log, { ...inMode('soft-delete'), shapes: { read } })
    await soft.applier.drainOnce()
    assert.equal(await soft.stragglers(), 'a:suspended')
  })
})

describe('the form of a table', () => {
  test('that is another one now has it loaded again, and shows what it has until then', async () => {
    const log = logWithLoad([['k1', 'one']])
    const before = new Desk(log)
    await before.applier.drainOnce()
    const desk = new Desk(log, { place: before.target.place, ...inMode('history') })
    await desk.applier.open()
    assert.equal(await desk.stragglers(), 'a:waiting')
    assert.equal(desk.rows('a'), 'k1=one')
    await desk.applier.drainOnce()
    assert.deepEqual(found(desk, 'history'), ['T null null', 'I k1 one'])
    const again = new Desk(log, { place: before.target.place, ...inMode('history') })
    await again.applier.drainOnce()
    assert.equal(await again.stragglers(), '')
  })

  test('of the name that a table gets may be another: then it is new there', async () => {
    const formOf: FormOf = ({ name }) => ({ ...PLAIN, mode: name === 'b' ? 'history' : 'mirror' })
    const log = logWithLoad([['k1', 'one']])
    const desk = new Desk(log, { formOf })
    await desk.applier.drainOnce()
    log.changes({ to: [20, 2], entries: [rename('a', [20, 2], 'b')] })
    await desk.applier.drainOnce()
    assert.deepEqual([desk.rows('a'), await desk.stragglers()], ['k1=one', 'b:waiting'])
  })

  test('goes with a table through a rename and a new column', async () => {
    const log = logWithLoad([['k1', 'one']])
    const desk = new Desk(log, inMode('soft-delete'))
    await desk.applier.drainOnce()
    log.changes({ to: [20, 2], entries: [rename('a', [20, 2], 'b')] })
    const defaults = { w: 'w' }
    log.changes({ to: [22, 2], entries: [reshape('b', [22, 2], { shape: 'b2', defaults })] })
    log.changes({ to: [30, 2], entries: [log.rows('b', [change('delete', 30, ['k1', null, null])], 'b2')] }) // prettier-ignore
    await desk.applier.drainOnce()
    assert.deepEqual([desk.rows('a'), desk.rows('b')], [null, `k1=one=w=${AT(30)}`])
  })

  test('with a name that the table has itself suspends it alone', async () => {
    const log = logWithLoad([])
    log.changes({ to: [20, 2], entries: [reshape('a', [20, 2], { shape: 'a_' })] })
    const { shapes } = named(log)
    const desk = new Desk(log, { ...inMode('soft-delete'), shapes })
    await desk.applier.drainOnce()
    assert.equal(await desk.stragglers(), 'a:suspended')
    const { error } = [...(await desk.ledger()).stragglers.values()][0]!
    assert.equal(error?.code, 'NAME_TAKEN')
  })
})

/** Shapes among which `a_` has a column of ours. */
function named(log: ScriptedLog): { shapes: ShapeReader } {
  const read = async (key: string): Promise<Shape> => {
    const shape = await log.read(key === 'a_' ? 'a2' : key)
    if (key !== 'a_') return shape
    const columns = shape.columns.map((one, i) => (i === 2 ? { ...one, name: '_deleted_at' } : one))
    return { ...shape, columns }
  }
  return { shapes: { read } }
}

/** A batch's last word on each key: cases one by one, and random histories against a plain replay. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import fc from 'fast-check'

import { BlockPool, ChangeLog, OP } from '../../../src/core/change-log.ts'
import { Fold, type FoldedRow } from '../../../src/core/fold.ts'
import { lsn } from '../../../src/core/lsn.ts'
import {
  logOf,
  shapeOf,
  tuple,
  UNCHANGED,
  valuesOf,
  type TestChange,
  type Value,
} from '../../support/tuples.ts'

const SHAPE = shapeOf(['id', 'small', 'large', 'huge'])

const U: typeof UNCHANGED = UNCHANGED

const RUNS = { numRuns: Number(process.env['FC_RUNS'] ?? 100) }

/** A history: each line is one change with its place in the transaction. */
class History {
  readonly changes: TestChange[] = []
  #lsn = 1n
  #ordinal = 0

  commit(): this {
    this.#lsn += 10n
    this.#ordinal = 0
    return this
  }

  insert(...values: Value[]): this {
    return this.#add('insert', values)
  }

  update(...values: Value[]): this {
    return this.#add('update', values)
  }

  delete(id: string): this {
    return this.#add('delete', keyOnly(id))
  }

  truncate(): this {
    return this.#add('truncate', [])
  }

  /** An update that changes the key. */
  move(from: string, ...to: Value[]): this {
    this.delete(from)
    const ordinal = this.#ordinal + 1
    this.changes.push({ op: 'insert', lsn: this.#lsn, ordinal, values: to })
    return this
  }

  #add(op: TestChange['op'], values: readonly Value[]): this {
    this.#ordinal += 2
    this.changes.push({ op, lsn: this.#lsn, ordinal: this.#ordinal, values })
    return this
  }
}

function keyOnly(id: string): Value[] {
  return [id, null, null, null]
}

interface Word {
  readonly op: FoldedRow['op']
  readonly values: ReturnType<typeof valuesOf>
  /** The key of the row that has the unchanged values. */
  readonly source?: string | null | typeof UNCHANGED
}

function wordsOf(rows: Iterable<FoldedRow>): Word[] {
  const words: Word[] = []
  for (const { op, bytes, start, end, source } of rows) {
    const values = valuesOf(bytes, start)
    assert.equal(tuple(values).length, end - start, 'the end is that of the tuple')
    const word =
      op === 'delete'
        ? { op, values: keyOnly(String(values[0])) as Word['values'] }
        : { op, values }
    words.push(source ? { ...word, source: valuesOf(source.bytes, source.start)[0]! } : word)
  }
  return words
}

function fold(history: History): { words: Word[]; isTruncated: boolean } {
  const folded = new Fold(SHAPE)
  folded.add(logOf(history.changes))
  return { words: wordsOf(folded.finish()), isTruncated: folded.isTruncated }
}

function upsert(...values: (string | null | typeof UNCHANGED)[]): Word {
  return { op: 'upsert', values }
}

function filled(source: string, word: Word): Word {
  return { ...word, source }
}

function gone(id: string): Word {
  return { op: 'delete', values: [id, null, null, null] }
}

describe('a fold', () => {
  const h = () => new History()

  const cases: [name: string, history: History, words: Word[]][] = [
    ['nothing', h(), []],
    ['an insert', h().insert('1', 'a', 'b', null), [upsert('1', 'a', 'b', null)]],
    [
      'an insert and an update',
      h().insert('1', 'a', 'b', 'c').update('1', 'd', 'e', null),
      [upsert('1', 'd', 'e', null)],
    ],
    ['an insert and a delete', h().insert('1', 'a', 'b', 'c').delete('1'), [gone('1')]],
    [
      'a delete and an insert',
      h().delete('1').insert('1', 'a', 'b', 'c'),
      [upsert('1', 'a', 'b', 'c')],
    ],
    [
      'keys in the order in which they appeared',
      h().insert('2', 'a', 'b', 'c').delete('3').insert('1', 'd', 'e', 'f').update('2', 'g', 'h', 'i'),
      [upsert('2', 'g', 'h', 'i'), gone('3'), upsert('1', 'd', 'e', 'f')],
    ],
    [
      'an unchanged value that the batch knows',
      h().insert('1', 'a', 'large', 'huge').update('1', 'b', U, U),
      [upsert('1', 'b', 'large', 'huge')],
    ],
    [
      'an unchanged NULL that the batch knows',
      h().insert('1', 'a', null, '').update('1', 'b', U, U),
      [upsert('1', 'b', null, '')],
    ],
    [
      'unchanged values that several changes know',
      h().insert('1', 'a', 'b', 'c').update('1', U, 'd', U).update('1', 'e', U, U).commit().update('1', U, U, 'f'),
      [upsert('1', 'e', 'd', 'f')],
    ],
    [
      'an unchanged value that only the target knows',
      h().update('1', 'a', U, 'c').update('1', 'b', U, 'd'),
      [filled('1', upsert('1', 'b', U, 'd'))],
    ],
    [
      'one unchanged value that the batch knows, and one that it does not',
      h().update('1', 'a', U, 'c').update('1', 'b', U, U),
      [filled('1', upsert('1', 'b', U, 'c'))],
    ],
    [
      'an unchanged value that was replaced later',
      h().update('1', 'a', U, U).update('1', 'b', 'c', U).update('1', U, U, 'd'),
      [upsert('1', 'b', 'c', 'd')],
    ],
    [
      'a row that was deleted and came again, without memory of its first life',
      h().insert('1', 'a', 'b', 'c').update('1', 'd', U, U).delete('1').insert('1', 'e', 'f', null).update('1', U, U, 'g'),
      [upsert('1', 'e', 'f', 'g')],
    ],
    [
      'a change of key',
      h().move('1', '2', 'a', 'b', 'c'),
      [gone('1'), upsert('2', 'a', 'b', 'c')],
    ],
    [
      'a change of key whose unchanged value the batch knows',
      h().insert('1', 'a', 'large', 'huge').move('1', '2', 'b', U, U),
      [gone('1'), upsert('2', 'b', 'large', 'huge')],
    ],
    [
      'a change of key whose unchanged value is with the old key in the target',
      h().move('1', '2', 'a', U, 'c'),
      [gone('1'), filled('1', upsert('2', 'a', U, 'c'))],
    ],
    [
      'an update before a change of key, neither of which has the value',
      h().update('1', 'a', U, 'c').move('1', '2', U, U, U),
      [gone('1'), filled('1', upsert('2', 'a', U, 'c'))],
    ],
    [
      'a chain of changes of key, with updates between',
      h().move('1', '2', 'a', U, 'b').update('2', U, U, 'c').commit().move('2', '3', 'd', U, U).move('3', '4', U, U, 'e'),
      [gone('1'), gone('2'), gone('3'), filled('1', upsert('4', 'd', U, 'e'))],
    ],
    [
      'two rows that trade their keys by way of a third',
      h().move('1', '9', 'a', U, 'b').move('2', '1', 'c', U, 'd').move('9', '2', U, U, U),
      [filled('2', upsert('1', 'c', U, 'd')), gone('9'), filled('1', upsert('2', 'a', U, 'b'))],
    ],
    [
      'a key that was moved away and back again',
      h().move('1', '2', 'a', U, 'b').move('2', '1', U, U, 'c'),
      [filled('1', upsert('1', 'a', U, 'c')), gone('2')],
    ],
    [
      'a key that was taken by another row',
      h().delete('2').move('1', '2', 'a', U, 'b').update('2', 'c', U, U),
      [filled('1', upsert('2', 'c', U, 'b')), gone('1')],
    ],
    [
      'a truncate, which forgets what came before',
      h().insert('1', 'a', 'b', 'c').truncate().insert('2', 'd', 'e', 'f').update('2', U, 'g', U),
      [upsert('2', 'd', 'g', 'f')],
    ],
  ] // prettier-ignore

  for (const [name, history, words] of cases) {
    test(`of ${name}`, () => assert.deepEqual(fold(history).words, words))
  }

  const violations: [name: string, history: History][] = [
    ['an unchanged value of a deleted row', h().delete('1').update('1', 'a', U, 'b')],
    ['an unchanged value of a moved row', h().move('1', '2', 'a', 'b', 'c').update('1', 'a', U, 'b')],
    ['a moved row that was deleted before', h().delete('1').move('1', '2', 'a', U, 'b')],
    ['an unchanged value of a row from before a truncate', h().insert('1', 'a', 'b', 'c').truncate().update('1', 'd', U, 'e')],
    ['a moved row from before a truncate', h().truncate().move('1', '2', 'd', U, 'e')],
    ['an insert with unchanged values', h().insert('1', 'a', U, 'c')],
    ['an insert with unchanged values after a mere delete', h().delete('1').insert('2', 'a', U, 'c')],
    ['a NULL in the key', h().insert(null, 'a', 'b', 'c')],
    ['an unchanged key', h().update(U, 'a', 'b', 'c')],
    ['a row of too few columns', h().insert('1', 'a', 'b')],
  ] // prettier-ignore

  for (const [name, history] of violations) {
    test(`refuses ${name}`, () => {
      assert.throws(() => fold(history), { code: 'PROTOCOL_VIOLATION' })
    })
  }

  test('refuses the half of a change of key whose other half is of another transaction', () => {
    const [gone1, , gone2, arrived2] = h()
      .move('1', '2', 'a', U, 'c')
      .commit()
      .move('3', '4', 'a', U, 'c').changes
    const folded = new Fold(SHAPE)
    assert.ok(gone2)
    assert.throws(() => folded.add(logOf([gone1!, arrived2!])), { code: 'PROTOCOL_VIOLATION' })
  })

  test('refuses it too when another row was deleted just before', () => {
    const { changes } = h().delete('1').move('2', '3', 'a', U, 'c')
    const folded = new Fold(SHAPE)
    const withoutItsDelete = [changes[0]!, changes[2]!]
    assert.throws(() => folded.add(logOf(withoutItsDelete)), { code: 'PROTOCOL_VIOLATION' })
  })

  test('refuses a table without a key', () => {
    assert.throws(() => new Fold(shapeOf(['a'], [])), { code: 'TABLE_WITHOUT_KEY' })
  })

  test('counts what it comes to', () => {
    const folded = new Fold(SHAPE)
    folded.add(
      logOf(
        h().insert('1', 'a', 'b', 'c').update('2', 'a', U, 'c').delete('3').delete('4').changes,
      ),
    )
    const { upserts, deletes, fills } = folded.finish()
    assert.deepEqual({ upserts, deletes, fills }, { upserts: 2, deletes: 2, fills: 1 })
  })

  test('knows whether all of it is rows that are new', () => {
    const histories: [History, boolean][] = [
      [h().insert('1', 'a', 'b', 'c').insert('2', 'a', 'b', 'c'), true],
      [h().truncate().insert('1', 'a', 'b', 'c'), true],
      [h().insert('1', 'a', 'b', 'c').update('1', 'z', 'b', 'c'), false],
      [h().delete('2').insert('2', 'a', 'b', 'c'), false],
      [h().move('1', '2', 'a', 'b', 'c'), false],
    ]
    for (const [{ changes }, isInsertOnly] of histories) {
      const folded = new Fold(SHAPE)
      folded.add(logOf(changes))
      assert.equal(folded.finish().isInsertOnly, isInsertOnly, JSON.stringify(changes[0]!.values))
    }
  })

  test('can be walked twice', () => {
    const folded = new Fold(SHAPE)
    folded.add(logOf(h().insert('1', 'a', 'b', 'c').update('1', 'd', U, U).changes))
    const rows = folded.finish()
    assert.deepEqual(wordsOf(rows), wordsOf(rows))
  })

  test('leaves out what it is told to', () => {
    const folded = new Fold(SHAPE)
    const { changes } = h()
      .insert('1', 'a', 'b', 'c')
      .truncate()
      .commit()
      .insert('2', 'a', 'b', 'c')
    folded.add(logOf(changes), ({ commitLsn }) => commitLsn > 1n)
    assert.deepEqual(wordsOf(folded.finish()), [upsert('2', 'a', 'b', 'c')])
    assert.equal(folded.isTruncated, false)
  })

  test('goes on over several logs', () => {
    const folded = new Fold(SHAPE)
    for (const change of h().update('1', 'a', U, 'b').update('1', U, U, 'c').changes)
      folded.add(logOf([change]))
    assert.deepEqual(wordsOf(folded.finish()), [filled('1', upsert('1', 'a', U, 'c'))])
  })

  test('is truncated by a row of the log as by a barrier', () => {
    assert.equal(fold(h().truncate()).isTruncated, true)
    const folded = new Fold(SHAPE)
    assert.equal(folded.isTruncated, false)
    folded.add(logOf(h().insert('1', 'a', 'b', 'c').changes))
    folded.truncate()
    assert.equal(folded.isTruncated, true)
    assert.deepEqual(wordsOf(folded.finish()), [])
  })

  test('gives its blocks back when it is truncated or released, even after a failure', () => {
    const pool = new BlockPool()
    const folded = new Fold(SHAPE)
    folded.add(logOf(h().insert('1', 'a', 'b', 'c').changes, pool))
    folded.truncate()
    assert.equal(pool.bytesInUse, 0)
    assert.throws(() => folded.add(logOf(h().insert(null, 'a', 'b', 'c').changes, pool)))
    folded.release()
    assert.equal(pool.bytesInUse, 0)
  })
})

describe('a key', () => {
  function keysOf(key: readonly number[], rows: readonly Value[][]): number {
    const folded = new Fold(shapeOf(['a', 'b', 'c'], key))
    const changes = rows.map((values, i): TestChange => {
      return { op: 'insert', lsn: 1n, ordinal: 2 * i + 2, values }
    })
    folded.add(logOf(changes))
    return folded.finish().upserts
  }

  test('of two columns is not confused where the border between them is another', () => {
    assert.equal(keysOf([0, 1], [['ab', 'c', null], ['a', 'bc', null], ['', 'abc', null]]), 3) // prettier-ignore
  })

  test('may be any columns, in any order', () => {
    const rows = [['x', '1', '2'], ['y', '1', '2'], ['x', '2', '1']] // prettier-ignore
    assert.equal(keysOf([2, 1], rows), 2)
    assert.equal(keysOf([0], rows), 2)
  })

  test('is compared by its bytes, be they UTF-8 or not', () => {
    const rows = [0x80, 0x81, 0xff].map((byte) => [Buffer.of(byte), null, null])
    assert.equal(keysOf([0], [...rows, ...rows]), 3)
  })

  test('is found again among very many, some of which have the same hash', () => {
    const count = 200_000
    const log = new ChangeLog(new BlockPool())
    log.begin(lsn(1n), 0n)
    const row = tuple(['00000000', null, null])
    for (let i = 0; i < 2 * count; i++) {
      row.writeUInt32LE(Math.imul(i % count, 2_654_435_761) >>> 0, 7)
      row.writeUInt32LE(Math.imul(i % count, 40_503) >>> 0, 11)
      log.append(OP.insert, 2 * i + 2, row, 0, row.length)
    }
    const folded = new Fold(shapeOf(['a', 'b', 'c']))
    folded.add(log)
    assert.equal(folded.finish().upserts, count)
  })
})

describe('a folded batch, applied to the table as it was before', () => {
  type Row = readonly (string | null)[]
  type Table = Map<string, Row>

  /** What happens at the source: an intent that becomes a change of whatever row it meets. */
  const intent = fc.record({
    kind: fc.constantFrom('insert', 'update', 'update', 'update', 'delete', 'move', 'move', 'swap', 'truncate', 'commit'),
    pick: fc.nat(99),
    key: fc.constantFrom('1', '2', '3', '4', '5'),
    values: fc.tuple(...Array.from({ length: 3 }, () => fc.constantFrom('a', 'b', '', null))),
    keep: fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()),
  }) // prettier-ignore

  type Intent = typeof intent extends fc.Arbitrary<infer T> ? T : never

  /** Plays the intents on `table` one by one, and writes down what the source would send. */
  function play(table: Table, intents: readonly Intent[]): History {
    const history = new History()
    for (const one of intents) step(table, one, history)
    return history
  }

  function step(table: Table, { kind, pick, key, values, keep }: Intent, history: History): void {
    const ids = [...table.keys()]
    const id = ids[pick % Math.max(1, ids.length)]
    if (kind === 'commit') history.commit()
    else if (kind === 'truncate' && pick < 15) {
      table.clear()
      history.truncate()
    } else if (kind === 'insert' && !table.has(key)) {
      table.set(key, [key, ...values])
      history.insert(key, ...values)
    } else if (id === undefined) return
    else if (kind === 'delete') {
      table.delete(id)
      history.delete(id)
    } else if (kind === 'update') change(table, { id, to: id, values, keep }, history)
    else if (kind === 'move' && !table.has(key))
      change(table, { id, to: key, values, keep }, history)
    else if (kind === 'swap' && table.has(key) && key !== id && !table.has('9')) {
      change(table, { id, to: '9', values, keep }, history)
      change(table, { id: key, to: id, values, keep }, history)
      change(table, { id: '9', to: key, values, keep }, history)
    }
  }

  /** A value that is kept is sent as unchanged. */
  function change(
    table: Table,
    update: { id: string; to: string; values: Row; keep: readonly boolean[] },
    history: History,
  ): void {
    const { id, to, values, keep } = update
    const old = table.get(id)!
    table.delete(id)
    table.set(to, [to, ...values.map((value, i) => (keep[i] ? old[i + 1]! : value))])
    const sent: Value[] = [to, ...values.map((value, i) => (keep[i] ? UNCHANGED : value))]
    if (id === to) history.update(...sent)
    else history.move(id, ...sent)
  }

  /** As a target does it: fills from the rows as they were, then deletes, then inserts. */
  function apply(table: Table, folded: Fold): Table {
    const before: Table = folded.isTruncated ? new Map() : table
    const after = new Map(before)
    const words = wordsOf(folded.finish())
    for (const { values } of words) after.delete(String(values[0]))
    for (const { op, values, source } of words) {
      if (op === 'delete') continue
      const origin = source === undefined ? null : before.get(String(source))
      assert.ok(origin !== undefined, 'the row that has the unchanged values is there')
      const row = values.map((value, i) => (value === UNCHANGED ? origin![i]! : value))
      after.set(String(values[0]), row)
    }
    return after
  }

  /** Cuts a history into batches anywhere but between the two halves of a change of key. */
  function cut(changes: readonly TestChange[], places: readonly number[]): TestChange[][] {
    const batches: TestChange[][] = [[]]
    for (const [i, one] of changes.entries()) {
      if (places.includes(i) && one.ordinal % 2 === 0) batches.push([])
      batches.at(-1)!.push(one)
    }
    return batches
  }

  test('is the table that one change after the other makes, however the batches are cut', () => {
    const inputs = [
      fc.array(intent, { maxLength: 8 }),
      fc.array(intent, { maxLength: 40 }),
    ] as const
    fc.assert(
      fc.property(...inputs, fc.array(fc.nat(60), { maxLength: 4 }), (earlier, intents, places) => {
        const source: Table = new Map()
        play(source, earlier)
        let target: Table = new Map(source)
        const { changes } = play(source, intents)
        for (const batch of cut(changes, places)) {
          const folded = new Fold(SHAPE)
          folded.add(logOf(batch))
          target = apply(target, folded)
          folded.release()
        }
        assert.deepEqual(target, source)
      }),
      { numRuns: 5 * RUNS.numRuns },
    )
  })
})

/** What every Target must do. Each implementation's own test calls this and adds only its oddities. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import type { CodedError } from '../../src/core/errors.ts'
import type { Straggler } from '../../src/core/ledger.ts'
import { lsn } from '../../src/core/lsn.ts'
import { tableId, type TableId, type TableName } from '../../src/core/table.ts'
import type { LoadPart, Step, Target, Work } from '../../src/core/target.ts'
import { foldedRows, remove, upsert, type TestRow } from '../support/folded-rows.ts'
import { loadPart } from '../support/load-part.ts'
import { shapeOf, UNCHANGED, type Value } from '../support/tuples.ts'
import { keepsWhatIsGone } from './target-modes.ts'

/** Where targets have their tables: a database file, a server, a map. */
export interface TestPlace {
  /** Another worker on the place. */
  open(who?: { readonly lakeId?: string; readonly consumer?: string }): Promise<Target>
  /** A worker that is broken off at the point, once, as by a crash or a connection that is lost. */
  breaking?(point: string): Promise<Target>
  /** Rows of a live table as text, in the order of their first columns; `null` if there is none. */
  rows(target: Target, name: TableName): Promise<(string | null)[][] | null>
}

type MakePlace = () => Promise<TestPlace>

export interface TargetOddities {
  /** Points at which work can be broken off, in their order; the last one is behind the commit. */
  readonly faultPoints?: readonly string[]
}

/** Every call of `make` gives a place that holds nothing. */
export function targetContract(
  name: string,
  make: MakePlace,
  { faultPoints = [] }: TargetOddities = {},
): void {
  describe(`${name} is a target that`, () => {
    keepsALedger(make)
    comparesAndSets(make)
    isAtomic(make)
    foldsRows(make)
    keepsValues(make)
    loads(make)
    changesTables(make)
    sharesItsPlace(make)
    keepsWhatIsGone(async () => {
      const place = await make()
      const target = await started(place, [], [{ type: 'drop', table: LIVE }])
      return {
        target,
        apply: (steps) => apply(target, steps),
        rows: (table) => place.rows(target, table),
      }
    })
    for (const point of faultPoints) survivesABreak(make, point, point === faultPoints.at(-1))
  })
}

const SHAPE = shapeOf(['id', 'status', 'note'])
const LIVE = { name: SHAPE.table, isShadow: false }
const SHADOW = { name: SHAPE.table, isShadow: true }
const ORDERS = tableId(SHAPE.table)
const NOBODY = { n: -1, epoch: -1, v: -1 }
const START = { n: 1, epoch: 1, v: 1 }
const CREATE: Step = { type: 'create', table: LIVE, shape: SHAPE }

interface TestWork {
  readonly expect?: Work['expect']['main']
  readonly straggler?: Work['expect']['straggler']
  readonly main?: Work['ledger']['main']
  readonly stragglers?: readonly (readonly [TableId, Straggler | null])[]
  readonly tables?: readonly (readonly [TableId, string | null])[]
  readonly steps?: AsyncIterable<Step> | readonly Step[]
}

/** Work on the main row, unless it is said otherwise. */
function work(given: TestWork): Work {
  const { steps = [] } = given
  return {
    expect: { main: given.expect ?? null, straggler: given.straggler ?? null },
    steps: Symbol.asyncIterator in steps ? steps : each(steps),
    ledger: {
      main: given.main ?? null,
      stragglers: new Map(given.stragglers),
      tables: new Map(given.tables),
    },
  }
}

async function* each<T>(items: readonly T[]): AsyncGenerator<T> {
  for (const item of items) yield await Promise.resolve(item)
}

/** A worker whose ledger is at START, with `rows` in app.orders. */
async function started(
  place: TestPlace,
  rows: readonly Value[][] = [],
  steps: readonly Step[] = [],
): Promise<Target> {
  const target = await place.open()
  await target.open()
  const all = [CREATE, fold(rows.map((values) => upsert(values))), ...steps]
  const tables = [[ORDERS, 'shape-1'] as const]
  assert.equal(await target.commit(work({ expect: NOBODY, main: START, steps: all, tables })), true)
  return target
}

function fold(rows: readonly TestRow[], table = LIVE, shape = SHAPE): Step {
  return { type: 'fold', table, shape, rows: foldedRows(rows) }
}

let next = 1
/** Runs the steps as the next piece of work of the main row. */
async function apply(target: Target, steps: readonly Step[]): Promise<void> {
  const { n, epoch, v } = await target.ledger()
  const main = { n: n + next++, epoch, v }
  assert.equal(await target.commit(work({ expect: { n, epoch, v }, main, steps })), true)
}

const WAITING: Straggler = {
  state: 'waiting',
  isPassed: true,
  load: null,
  partsDone: 0,
  n: null,
  shape: null,
  error: null,
}

const LOADING: Straggler = {
  state: 'loading',
  isPassed: true,
  load: { load: 'a1', lsn: lsn(0x16_b374d848n), epoch: 2, since: 7, beganAt: 8, endedAt: null },
  partsDone: 3,
  n: null,
  shape: 'shape-1',
  error: null,
}

function keepsALedger(make: MakePlace): void {
  test('has no ledger before the first commit', async () => {
    const target = await (await make()).open()
    assert.equal(await target.open(), null)
    await assert.rejects(target.ledger(), { code: 'TARGET_FAILED' })
    await target.close()
  })

  test('gives back every field of the ledger, to others and after it was closed', async () => {
    const place = await make()
    const target = await started(place)
    const main = { n: 9_007_199_254_740_991, epoch: 3, v: 12 }
    const suspended: Straggler = {
      ...LOADING,
      state: 'suspended',
      isPassed: false,
      load: { ...LOADING.load!, endedAt: 12 },
      n: 11,
      error: { code: 'VALUE_UNFIT', message: `it's "quoted", and\nbroken` },
    }
    const stragglers = [
      [tableId({ namespace: 'app', name: 'a' }), WAITING],
      [tableId({ namespace: 'app', name: 'b' }), LOADING],
      [tableId({ namespace: 'App', name: "o'c" }), suspended],
    ] as const
    const change = {
      expect: START,
      main,
      stragglers,
      tables: [['app.b' as TableId, 's2']] as const,
    }
    assert.equal(await target.commit(work(change)), true)
    const tables = new Map([
      [ORDERS, 'shape-1'],
      ['app.b', 's2'],
    ])
    const expected = { ...main, stragglers: new Map(stragglers), tables }
    assert.deepEqual(await target.ledger(), expected)
    await target.close()
    const again = await place.open()
    assert.deepEqual(await again.open(), expected)
    await again.close()
  })

  test('replaces and removes rows of the ledger, and leaves those that are not named', async () => {
    const target = await started(await make())
    const [a, b, c] = ['app.a', 'app.b', 'app.c'] as TableId[]
    const first = { stragglers: [[a!, WAITING], [b!, WAITING], [c!, WAITING]] as const } // prettier-ignore
    await target.commit(work({ expect: START, ...first }))
    const second = {
      stragglers: [[a!, null], [b!, LOADING]] as const, // prettier-ignore
      tables: [[ORDERS, null]] as const,
    }
    await target.commit(work({ expect: START, ...second }))
    const { stragglers, tables, ...main } = await target.ledger()
    assert.deepEqual(main, START)
    assert.deepEqual(
      stragglers,
      new Map([
        [b!, LOADING],
        [c!, WAITING],
      ]),
    )
    assert.deepEqual(tables, new Map())
    await target.close()
  })

  test('keeps consumers and lakes apart, and refuses the ledger of another lake', async () => {
    const place = await make()
    const one = await started(place)
    const two = await place.open({ consumer: 'task/two', lakeId: 'other' })
    assert.equal(await two.open(), null)
    const stragglers = [[ORDERS, WAITING]] as const
    await two.commit(work({ expect: NOBODY, main: { n: 5, epoch: 1, v: 2 }, stragglers }))
    assert.deepEqual((await one.ledger()).stragglers, new Map())
    assert.equal((await one.ledger()).n, 1)
    assert.deepEqual((await two.ledger()).tables, new Map())
    const thief = await place.open({ lakeId: 'other' })
    await assert.rejects(thief.open(), { code: 'LEDGER_FOREIGN' })
    for (const target of [one, two, thief]) await target.close()
  })
}

/** Steps that must not be asked for. */
const NEVER: AsyncIterable<Step> = {
  [Symbol.asyncIterator]: () => assert.fail('steps of work that lost its claim were asked for'),
}

function comparesAndSets(make: MakePlace): void {
  const straggler = { table: ORDERS, load: 'a1', n: null, partsDone: 3 }
  const lost: [string, Work['expect']][] = [
    ['no ledger', { main: NOBODY, straggler: null }],
    ['another n', { main: { ...START, n: 2 }, straggler: null }],
    ['another epoch', { main: { ...START, epoch: 2 }, straggler: null }],
    ['another set of stragglers', { main: { ...START, v: 2 }, straggler: null }],
    ['another load', { main: null, straggler: { ...straggler, load: 'a2' } }],
    ['no load', { main: null, straggler: { ...straggler, load: null } }],
    ['another part', { main: null, straggler: { ...straggler, partsDone: 2 } }],
    ['another place of the straggler', { main: null, straggler: { ...straggler, n: 4 } }],
    ['another straggler', { main: null, straggler: { ...straggler, table: 'app.x' as TableId } }],
    ['the right straggler, but another n', { main: { ...START, n: 2 }, straggler }],
    ['the right n, but another straggler', { main: START, straggler: { ...straggler, n: 4 } }],
  ]
  for (const [name, expect] of lost) {
    test(`does nothing for work that expects ${name}`, async () => {
      const place = await make()
      const target = await started(place, [['1', 'new', null]])
      await target.commit(work({ expect: START, stragglers: [[ORDERS, LOADING]] }))
      const before = await target.ledger()
      const change = work({ main: { n: 9, epoch: 9, v: 9 }, stragglers: [[ORDERS, null]] })
      assert.equal(await target.commit({ ...change, expect, steps: NEVER }), false)
      assert.deepEqual(await target.ledger(), before)
      assert.equal((await place.rows(target, SHAPE.table))?.length, 1)
      await target.close()
    })
  }

  test('claims by the row of a straggler, alone or with the main row', async () => {
    const target = await started(await make())
    await target.commit(work({ expect: START, stragglers: [[ORDERS, LOADING]] }))
    const ready: Straggler = { ...LOADING, state: 'catching-up', n: 7, partsDone: 4 }
    assert.equal(await target.commit(work({ straggler, stragglers: [[ORDERS, ready]] })), true)
    assert.deepEqual((await target.ledger()).stragglers, new Map([[ORDERS, ready]]))
    const joins = work({
      expect: START,
      straggler: { ...straggler, n: 7, partsDone: 4 },
      main: { ...START, v: 2 },
      stragglers: [[ORDERS, null]],
    })
    assert.equal(await target.commit(joins), true)
    const { v, stragglers } = await target.ledger()
    assert.deepEqual([v, stragglers.size], [2, 0])
    await target.close()
  })

  test('lets exactly one of two workers win, whoever began', async () => {
    const place = await make()
    const workers = [await place.open(), await place.open()]
    for (const worker of workers) await worker.open()
    const claim = (expect: typeof START, n: number, first: boolean) =>
      workers.map((worker, i) => {
        const steps = [...(first ? [CREATE] : []), fold([upsert([`${n}`, `by ${i}`, null])])]
        return worker.commit(work({ expect, main: { ...START, n }, steps }))
      })
    const rounds = [await Promise.all(claim(NOBODY, 1, true))]
    for (let n = 2; n < 6; n++) {
      rounds.push(await Promise.all(claim({ ...START, n: n - 1 }, n, false)))
    }
    const winners = rounds.map((wins) => wins.indexOf(true))
    assert.deepEqual(
      rounds.map((wins) => wins.filter(Boolean).length),
      [1, 1, 1, 1, 1],
    )
    const expected = winners.map((winner, i) => [`${i + 1}`, `by ${winner}`, null])
    assert.deepEqual(await place.rows(workers[0]!, SHAPE.table), expected)
    for (const worker of workers) await worker.close()
  })
}

function isAtomic(make: MakePlace): void {
  test('leaves rows, tables and ledger as they were when a step fails, and goes on', async () => {
    const place = await make()
    const target = await started(place, [['1', 'new', 'kept']])
    const before = await target.ledger()
    const other = shapeOf(['id', 'x'])
    const steps: Step[] = [
      fold([upsert(['1', 'changed', null]), upsert(['2', 'new', null])]),
      { type: 'create', table: { name: OTHER, isShadow: false }, shape: other },
      { type: 'rename', from: SHAPE.table, to: { namespace: 'app', name: 'moved' } },
      { type: 'truncate', table: { name: { namespace: 'app', name: 'nowhere' }, isShadow: false } },
    ]
    const bad = work({ expect: START, main: { ...START, n: 2 }, steps, tables: [[ORDERS, null]] })
    await assert.rejects(target.commit(bad), (error: CodedError) => {
      assert.deepEqual([error.code, error.details['table']], ['TARGET_FAILED', 'app.nowhere'])
      return true
    })
    assert.deepEqual(await target.ledger(), before)
    assert.deepEqual(await place.rows(target, SHAPE.table), [['1', 'new', 'kept']])
    assert.equal(await place.rows(target, OTHER), null)
    await apply(target, [fold([upsert(['2', 'after', null])])])
    assert.equal((await place.rows(target, SHAPE.table))?.length, 2)
    await target.close()
  })

  test('leaves everything as it was when the steps themselves cannot be made', async () => {
    const place = await make()
    const target = await started(place, [['1', 'new', null]])
    const broken = async function* (): AsyncGenerator<Step> {
      yield fold([remove(['1', null, null])])
      await Promise.reject(new Error('the lake is away'))
    }
    const bad = work({ expect: START, main: { ...START, n: 2 }, steps: broken() })
    await assert.rejects(target.commit(bad), { message: 'the lake is away' })
    assert.deepEqual(await place.rows(target, SHAPE.table), [['1', 'new', null]])
    assert.equal((await target.ledger()).n, 1)
    await target.close()
  })
}

const OTHER = { namespace: 'app', name: 'other' }

interface FoldCase {
  readonly name: string
  readonly before: Value[][]
  readonly rows: readonly TestRow[]
  readonly after: (string | null)[][]
}

/** Each of `cases` is a batch and what it makes of a table. */
function foldCases(make: MakePlace, cases: readonly FoldCase[]): void {
  for (const { name, before, rows, after } of cases) {
    test(name, async () => {
      const place = await make()
      const target = await started(place, before)
      await apply(target, [fold(rows)])
      assert.deepEqual(await place.rows(target, SHAPE.table), after)
      await target.close()
    })
  }
}

function foldsRows(make: MakePlace): void {
  foldCases(make, [
    {
      name: 'inserts rows that are new and replaces those that are there',
      before: [['1', 'new', 'x'], ['2', 'new', 'y']], // prettier-ignore
      rows: [upsert(['2', 'paid', null]), upsert(['3', 'new', 'z'])],
      after: [['1', 'new', 'x'], ['2', 'paid', null], ['3', 'new', 'z']], // prettier-ignore
    },
    {
      name: 'deletes rows, and does not mind those that are not there',
      before: [['1', 'new', 'x'], ['2', 'new', 'y']], // prettier-ignore
      rows: [remove(['2', null, null]), remove(['7', null, null])],
      after: [['1', 'new', 'x']],
    },
    {
      name: 'takes an empty fold',
      before: [['1', 'new', 'x']],
      rows: [],
      after: [['1', 'new', 'x']],
    },
    {
      name: 'takes unchanged values from the row that is there',
      before: [['1', 'new', 'long'], ['2', 'new', null], ['3', 'old', 'kept']], // prettier-ignore
      rows: [
        upsert(['1', 'paid', UNCHANGED], ['1', null, null]),
        upsert(['2', 'paid', UNCHANGED], ['2', null, null]),
        upsert(['3', UNCHANGED, 'new'], ['3', null, null]),
        upsert(['4', 'new', 'whole']),
      ],
      after: [['1', 'paid', 'long'], ['2', 'paid', null], ['3', 'old', 'new'], ['4', 'new', 'whole']], // prettier-ignore
    },
    {
      name: 'takes unchanged values from rows that exchange their keys, before any of them goes',
      before: [['1', 'a', 'of 1'], ['2', 'b', 'of 2']], // prettier-ignore
      rows: [
        upsert(['1', 'b', UNCHANGED], ['2', null, null]),
        upsert(['2', 'a', UNCHANGED], ['1', null, null]),
      ],
      after: [['1', 'b', 'of 2'], ['2', 'a', 'of 1']], // prettier-ignore
    },
    {
      name: 'takes unchanged values from a row that the batch deletes',
      before: [['1', 'a', 'of 1']],
      rows: [upsert(['9', 'a', UNCHANGED], ['1', null, null]), remove(['1', null, null])],
      after: [['9', 'a', 'of 1']],
    },
    {
      name: 'tells NULL from the empty text, and keeps every character',
      before: [],
      rows: [
        upsert(['1', '', null]),
        upsert(['2', null, '']),
        upsert(['3', 'NULL', '\\N']),
        upsert(['4', '"', 'a"b,c\n\r\nd\te']),
        upsert(['5', ' padded ', '\u{1f600}\u0301 \\']),
        upsert(['6', "it's", '0010,1']),
      ],
      after: [
        ['1', '', null],
        ['2', null, ''],
        ['3', 'NULL', '\\N'],
        ['4', '"', 'a"b,c\n\r\nd\te'],
        ['5', ' padded ', '\u{1f600}\u0301 \\'],
        ['6', "it's", '0010,1'],
      ],
    },
  ])
}

function keepsValues(make: MakePlace): void {
  test('fails rather than lose a value whose row is not there', async () => {
    const place = await make()
    const target = await started(place, [['1', 'new', 'x']])
    const rows = [
      upsert(['1', 'paid', UNCHANGED], ['1', null, null]),
      upsert(['2', 'paid', UNCHANGED], ['2', null, null]),
    ]
    const bad = work({ expect: START, main: { ...START, n: 2 }, steps: [fold(rows)] })
    await assert.rejects(target.commit(bad), {
      code: 'FILL_MISSING',
      details: { table: 'app.orders' },
    })
    assert.deepEqual(await place.rows(target, SHAPE.table), [['1', 'new', 'x']])
    await target.close()
  })

  test('finds rows by a key of several columns, wherever they stand', async () => {
    const place = await make()
    const shape = shapeOf(['line', 'text', 'order'], [0, 2])
    const rows = [upsert(['1', 'a', 'A']), upsert(['1', 'b', 'B']), upsert(['2', 'c', 'A'])]
    const target = await started(place, [], [
      { type: 'create', table: LIVE, shape },
      fold(rows, LIVE, shape),
    ]) // prettier-ignore
    const batch = [
      remove(['1', null, 'A']),
      upsert(['3', UNCHANGED, 'B'], ['1', null, 'B']),
      remove(['1', null, 'B']),
    ]
    await apply(target, [fold(batch, LIVE, shape)])
    assert.deepEqual(await place.rows(target, SHAPE.table), [['2', 'c', 'A'], ['3', 'b', 'B']]) // prettier-ignore
    await target.close()
  })

  test('leaves out columns that were dropped, whatever their place holds', async () => {
    const place = await make()
    const shape = shapeOf(['id', '-gone', 'note'])
    const steps: Step[] = [
      { type: 'create', table: LIVE, shape },
      fold([upsert(['1', null, 'a']), upsert(['2', 'rest', 'b'])], LIVE, shape),
    ]
    const target = await started(place, [], steps)
    await apply(target, [fold([upsert(['1', null, UNCHANGED], ['1', null, null])], LIVE, shape)])
    assert.deepEqual(await place.rows(target, SHAPE.table), [['1', 'a'], ['2', 'b']]) // prettier-ignore
    await target.close()
  })
}

function load(part: LoadPart, table = LIVE, shape = SHAPE): Step {
  return { type: 'load', table, shape, part }
}

function loads(make: MakePlace): void {
  test('fills a shadow beside the live table, catches it up, and swaps', async () => {
    const place = await make()
    const target = await started(place, [['1', 'live', null]], [
      { type: 'create', table: { name: OTHER, isShadow: false }, shape: shapeOf(['id']) },
      fold([upsert(['77'])], { name: OTHER, isShadow: false }, shapeOf(['id'])),
    ]) // prettier-ignore
    await apply(target, [{ type: 'create', table: SHADOW, shape: SHAPE }])
    await apply(target, [load(loadPart([['1', 'loaded', ''], ['2', 'loaded', 'x']]), SHADOW)]) // prettier-ignore
    await apply(target, [
      load(loadPart([['3', 'loaded', 'y']]), SHADOW),
      load(loadPart([]), SHADOW),
    ])
    const catchUp = [upsert(['2', 'paid', UNCHANGED], ['2', null, null]), remove(['3', null, null])]
    await apply(target, [fold(catchUp, SHADOW), fold([upsert(['1', 'live on', null])])])
    assert.deepEqual(await place.rows(target, SHAPE.table), [['1', 'live on', null]])
    await apply(target, [
      fold([upsert(['4', 'last', null])], SHADOW),
      { type: 'swap', name: SHAPE.table, shape: SHAPE },
      fold([remove(['1', null, null])]),
    ])
    assert.deepEqual(await place.rows(target, SHAPE.table), [['2', 'paid', 'x'], ['4', 'last', null]]) // prettier-ignore
    assert.deepEqual(await place.rows(target, OTHER), [['77']])
    await target.close()
  })

  test('begins a shadow anew, drops it, and swaps where there was no live table', async () => {
    const place = await make()
    const target = await started(place, [], [{ type: 'drop', table: LIVE }])
    assert.equal(await place.rows(target, SHAPE.table), null)
    await apply(target, [
      { type: 'create', table: SHADOW, shape: SHAPE },
      load(loadPart([['1', 'stale', '']]), SHADOW),
    ])
    await apply(target, [{ type: 'create', table: SHADOW, shape: SHAPE }])
    await apply(target, [load(loadPart([['2', 'fresh', null]]), SHADOW)])
    await apply(target, [{ type: 'swap', name: SHAPE.table, shape: SHAPE }])
    assert.deepEqual(await place.rows(target, SHAPE.table), [['2', 'fresh', null]])
    await apply(target, [
      { type: 'create', table: SHADOW, shape: SHAPE },
      { type: 'drop', table: SHADOW },
      { type: 'drop', table: SHADOW },
    ])
    assert.deepEqual(await place.rows(target, SHAPE.table), [['2', 'fresh', null]])
    await target.close()
  })

  test('refuses a part that has not the rows which its manifest says', async () => {
    const place = await make()
    const target = await started(place, [])
    const steps = [load(loadPart([['1', 'a', null]], 2))]
    const bad = work({ expect: START, main: { ...START, n: 2 }, steps })
    await assert.rejects(target.commit(bad), { code: 'LAKE_DAMAGED' })
    assert.deepEqual(await place.rows(target, SHAPE.table), [])
    await target.close()
  })
}

function changesTables(make: MakePlace): void {
  const wider = shapeOf(['id', 'status', 'note', 'tag', 'flag'])
  const defaults = { tag: "it's ''new''", flag: null }

  test('adds columns, with their defaults in rows that exist', async () => {
    const place = await make()
    const target = await started(place, [['1', 'new', 'x']])
    const alter: Step = { type: 'alter', table: LIVE, from: SHAPE, to: wider, defaults }
    await apply(target, [alter])
    await apply(target, [fold([upsert(['2', 'new', 'y', null, 'f'])], LIVE, wider)])
    const expected = [
      ['1', 'new', 'x', "it's ''new''", null],
      ['2', 'new', 'y', null, 'f'],
    ]
    assert.deepEqual(await place.rows(target, SHAPE.table), expected)
    await target.close()
  })

  test('gives columns other names, which they may exchange, between two folds of one transaction', async () => {
    const place = await make()
    const target = await started(place, [['1', 'new', 'x'], ['2', 'new', 'y']]) // prettier-ignore
    const names = ['id', 'note', 'status']
    const columns = SHAPE.columns.map((column, i) => ({ ...column, name: names[i]! }))
    const to = { ...SHAPE, number: 2, columns }
    await apply(target, [
      fold([upsert(['1', 'paid', UNCHANGED], ['1', null, null])]),
      { type: 'alter', table: LIVE, from: SHAPE, to, defaults: {} },
      fold([upsert(['2', UNCHANGED, 'z'], ['2', null, null])], LIVE, to),
    ])
    const rows = await place.rows(target, SHAPE.table)
    assert.deepEqual(rows, [['1', 'paid', 'x'], ['2', 'new', 'z']]) // prettier-ignore
    await target.close()
  })

  test('alters a table between two folds of one transaction', async () => {
    const place = await make()
    const before = [['1', 'new', 'x'], ['2', 'new', 'y'], ['3', 'new', 'z']] // prettier-ignore
    const target = await started(place, before)
    await apply(target, [
      fold([
        remove(['1', null, null]),
        upsert(['2', 'paid', UNCHANGED], ['2', null, null]),
        upsert(['4', 'a', 'b']),
      ]),
      { type: 'alter', table: LIVE, from: SHAPE, to: wider, defaults },
      fold([upsert(['4', 'a', 'c', UNCHANGED, 'f'], ['4', null, null, null, null])], LIVE, wider),
      fold([remove(['3', null, null, null, null])], LIVE, wider),
    ])
    const expected = [
      ['2', 'paid', 'y', "it's ''new''", null],
      ['4', 'a', 'c', "it's ''new''", 'f'],
    ]
    assert.deepEqual(await place.rows(target, SHAPE.table), expected)
    await target.close()
  })

  test('drops a column with the source where that is asked', async () => {
    const place = await make()
    const target = await started(place, [['1', 'new', 'x']])
    const narrow = shapeOf(['id', 'status', '-note'])
    const alter = { type: 'alter', table: LIVE, from: SHAPE, to: narrow, defaults: {} } as const
    await apply(target, [fold([upsert(['1', 'paid', 'y'])]), { ...alter, dropsColumns: true }])
    await apply(target, [fold([upsert(['2', 'new', null])], LIVE, narrow)])
    assert.deepEqual(await place.rows(target, SHAPE.table), [['1', 'paid'], ['2', 'new']]) // prettier-ignore
    await target.close()
  })

  test('empties a table at its place in the order', async () => {
    const place = await make()
    const target = await started(place, [['1', 'new', 'x']])
    const truncate: Step = { type: 'truncate', table: LIVE }
    await apply(target, [
      fold([upsert(['2', 'a', 'b'])]),
      truncate,
      fold([upsert(['3', 'c', 'd'])]),
    ])
    assert.deepEqual(await place.rows(target, SHAPE.table), [['3', 'c', 'd']])
    await target.close()
  })

  test('renames a table within its schema and into another, and drops what had the name', async () => {
    const place = await make()
    const target = await started(place, [['1', 'new', 'x']], [
      { type: 'create', table: { name: OTHER, isShadow: false }, shape: SHAPE },
    ]) // prettier-ignore
    await apply(target, [{ type: 'rename', from: SHAPE.table, to: OTHER }])
    assert.equal(await place.rows(target, SHAPE.table), null)
    assert.deepEqual(await place.rows(target, OTHER), [['1', 'new', 'x']])
    const far = { namespace: 'Far away', name: 'or"ders' }
    await apply(target, [
      fold([upsert(['2', 'new', 'y'])], { name: OTHER, isShadow: false }),
      { type: 'rename', from: OTHER, to: far },
      fold([remove(['1', null, null])], { name: far, isShadow: false }),
    ])
    assert.equal(await place.rows(target, OTHER), null)
    assert.deepEqual(await place.rows(target, far), [['2', 'new', 'y']])
    await target.close()
  })
}

function sharesItsPlace(make: MakePlace): void {
  test('does its work beside that of another task, at the same time', async () => {
    const place = await make()
    const tasks = ['one', 'two', 'three']
    const names = tasks.map((task) => ({ namespace: 'app', name: `of_${task}` }))
    const targets = await Promise.all(
      tasks.map((task) => place.open({ consumer: `${task}/target`, lakeId: task })),
    )
    for (const target of targets) assert.equal(await target.open(), null)
    const batch = (i: number, n: number): Promise<boolean> => {
      const table = { name: names[i]!, isShadow: false }
      const create: Step = { type: 'create', table, shape: SHAPE }
      const rows = fold(
        [upsert([`${n}`, tasks[i]!, null]), remove([`${n - 2}`, null, null])],
        table,
      )
      return targets[i]!.commit(
        work({
          expect: n === 1 ? NOBODY : { ...START, n: n - 1 },
          main: { ...START, n },
          steps: n === 1 ? [create, rows] : [rows],
        }),
      )
    }
    for (let n = 1; n <= 4; n++) {
      assert.deepEqual(await Promise.all(tasks.map((_, i) => batch(i, n))), [true, true, true])
    }
    for (const [i, target] of targets.entries()) {
      assert.equal((await target.ledger()).n, 4)
      const expected = [['3', tasks[i], null], ['4', tasks[i], null]] // prettier-ignore
      assert.deepEqual(await place.rows(target, names[i]!), expected)
      await target.close()
    }
  })
}

/** Work of every kind of statement, and what it makes of the rows before it. */
const BEFORE: Value[][] = [['1', 'new', 'x'], ['2', 'new', 'y'], ['3', 'new', 'z']] // prettier-ignore
const AFTER = [['1', 'paid', 'x', 'old', null], ['4', 'a', 'b', 'old', null], ['5', 'c', 'd', null, 'f']] // prettier-ignore

function everything(): readonly Step[] {
  const wider = shapeOf(['id', 'status', 'note', 'tag', 'flag'])
  return [
    fold([
      upsert(['1', 'paid', UNCHANGED], ['1', null, null]),
      remove(['2', null, null]),
      upsert(['4', 'a', 'b']),
    ]),
    { type: 'alter', table: LIVE, from: SHAPE, to: wider, defaults: { tag: 'old', flag: null } },
    fold([upsert(['5', 'c', 'd', null, 'f']), remove(['3', null, null, null, null])], LIVE, wider),
    { type: 'create', table: SHADOW, shape: SHAPE },
    load(loadPart([['9', 'loaded', null]]), SHADOW),
    { type: 'drop', table: SHADOW },
  ]
}

function survivesABreak(make: MakePlace, point: string, isCommitted: boolean): void {
  const name = `takes work that was broken off at "${point}" ${isCommitted ? 'as done' : 'once more, from its beginning'}`
  test(name, async () => {
    const place = await make()
    const first = await started(place, BEFORE)
    await first.close()
    const given = { expect: START, main: { ...START, n: 2 }, tables: [[ORDERS, 's2']] as const }
    const target = await place.breaking!(point)
    await target.open()
    const broken = await target.commit(work({ ...given, steps: everything() })).catch(codeOf)
    assert.equal(broken, isCommitted ? true : 'CONNECTION_LOST')
    // The same worker goes on, and so does another one.
    assert.equal((await target.ledger()).n, isCommitted ? 2 : 1)
    const again = await place.open()
    const isDone = await again.commit(work({ ...given, steps: everything() }))
    assert.equal(isDone, !isCommitted)
    assert.deepEqual(await place.rows(again, SHAPE.table), AFTER)
    assert.deepEqual((await target.ledger()).tables, new Map([[ORDERS, 's2']]))
    for (const one of [target, again]) await one.close()
  })
}

function codeOf(error: unknown): string {
  return (error as CodedError).code
}

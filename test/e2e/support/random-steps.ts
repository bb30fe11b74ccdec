/**
 * What a random transaction is made of: steps of one to a few statements.
 *
 * Keys are drawn from small ranges, so that rows are hit again and again, by several writers and in
 * one transaction. Values that are stored out of line come seldom in an update, so most updates leave
 * them unchanged, key changes included.
 */

import type { Random } from '../../../src/demo/random.ts'

export interface StepInput {
  readonly random: Random
  readonly writer: number
}

export type Step = (input: StepInput) => readonly string[]

const TEXTS = ['NULL', `''`, `'NULL'`, `'a,b'`, `'"q"'`, `'it''s'`, `E'two\\nlines\\r\\n'`, `'é🚀'`]
const IDS = 400

function body(random: Random): string {
  return `repeat(md5('${random.upTo(1e9)}'), ${60 + random.upTo(80)})`
}

/** Two rows take each other's key, by way of one that nobody else uses. */
function swap(table: string, column: string, keys: readonly [a: string, b: string, way: string]) {
  const [a, b, way] = keys
  const move = (from: string, to: string): string =>
    `update ${table} set ${column} = ${to} where ${column} = ${from}`
  return [move(a, way), move(b, a), move(way, b)]
}

function insertRows({ random }: StepInput): string[] {
  const id = random.upTo(IDS)
  const text = random.pick(TEXTS)
  const conflict = 'on conflict do nothing'
  return [
    random.pick([
      `insert into app.serial_rows (name, amount, note) select 'n' || g, g / 3.0, ${text} from generate_series(1, ${random.upTo(20)}) g`,
      `insert into app.composite values (${id}, chr(97 + ${id} % 26), ${text}, null) ${conflict}`,
      `insert into app.text_keys values ('k${id}', ${id}, '{"a": [1, null]}') ${conflict}`,
      `insert into app.toasted (id, body, small) values (${id}, ${body(random)}, ${text}) ${conflict}`,
      `insert into app.full_identity values (${id}, ${text}, ${id} / 7.0, ${body(random)}) ${conflict}`,
      `insert into app.index_identity values (${id}, 'h${id}', ${id}, ${body(random)}) ${conflict}`,
    ]),
  ]
}

function updateRows({ random }: StepInput): string[] {
  const id = random.upTo(IDS)
  const text = random.pick(TEXTS)
  const at = random.upTo(5000)
  return [
    random.pick([
      `update app.serial_rows set note = ${text}, amount = amount + 1 where id between ${at} and ${at + random.upTo(20)}`,
      `update app.composite set value = ${text}, flag = not flag where a = ${id}`,
      `update app.text_keys set n = n + 1 where code = 'k${id}'`,
      `update app.toasted set small = ${text} where id between ${id} and ${id + random.upTo(5)}`,
      `update app.toasted set body = ${body(random)} where id = ${id}`,
      `update app.full_identity set x = ${text} where id between ${id} and ${id + random.upTo(5)}`,
      `update app.full_identity set y = 'NaN', body = ${body(random)} where id = ${id}`,
      `update app.index_identity set v = v + 1 where id between ${id} and ${id + random.upTo(5)}`,
      `update app.bulk set part = part + 1 where id between ${at} and ${at + random.upTo(20)}`,
    ]),
  ]
}

function deleteRows({ random }: StepInput): string[] {
  const id = random.upTo(IDS)
  return [
    random.pick([
      `delete from app.serial_rows where id between ${id * 10} and ${id * 10 + 3}`,
      `delete from app.composite where a = ${id}`,
      `delete from app.text_keys where code = 'k${id}'`,
      `delete from app.toasted where id = ${id}`,
      `delete from app.full_identity where id = ${id}`,
      `delete from app.index_identity where handle = 'h${id}'`,
    ]),
  ]
}

/** A row goes and another one with its key comes, in one transaction. */
function replaceRow({ random }: StepInput): string[] {
  const id = random.upTo(IDS)
  return [
    `delete from app.toasted where id = ${id}`,
    `insert into app.toasted (id, body, small) values (${id}, ${body(random)}, 'again')`,
    `update app.toasted set small = 'and again' where id = ${id}`,
  ]
}

function swapKeys({ random, writer }: StepInput): string[] {
  const a = random.upTo(IDS)
  const b = a + random.upTo(IDS)
  return random.pick([
    () => swap('app.toasted', 'id', [`${a}`, `${b}`, `${-writer}`]),
    () => swap('app.full_identity', 'id', [`${a}`, `${b}`, `${-writer}`]),
    () => swap('app.index_identity', 'handle', [`'h${a}'`, `'h${b}'`, `'w${writer}'`]),
    () => swap('app.text_keys', 'code', [`'k${a}'`, `'k${b}'`, `'w${writer}'`]),
  ])()
}

/** A row takes key after key, and something else changes on the way. */
function chainKeys({ random, writer }: StepInput): string[] {
  const id = random.upTo(IDS)
  const [table, change] = random.pick([
    ['app.toasted', `small = 'on the way'`],
    ['app.full_identity', `x = 'on the way'`],
  ] as const)
  const [one, two] = [-10 - writer, -20 - writer]
  const next = random.upTo(IDS)
  return [
    `update ${table} set id = ${one} where id = ${id}`,
    `update ${table} set ${change} where id = ${one}`,
    `update ${table} set id = ${two} where id = ${one}`,
    `delete from ${table} where id = ${next}`,
    `update ${table} set id = ${next} where id = ${two}`,
  ]
}

function moveKeys({ random }: StepInput): string[] {
  const id = random.upTo(IDS)
  const to = random.upTo(IDS)
  return [
    random.pick([
      `update app.composite set a = ${to} where a = ${id}`,
      `update app.composite set b = chr(97 + ${to} % 26), value = 'moved' where a = ${id}`,
      `update app.serial_rows set id = id + 1000000 where id = ${id}`,
      `update app.index_identity set handle = 'h${to}', v = 0 where id = ${id}`,
      `update app.index_identity set id = ${to} where id = ${id}`,
    ]),
  ]
}

/** Never without a row that comes after: of an empty table there would be no part of a load to kill. */
function truncate({ random }: StepInput): string[] {
  if (random.upTo(4) > 1) return []
  const some = `insert into app.composite select g, 'z', 'after', true from generate_series(1, 50) g`
  const key = `insert into app.text_keys values ('k${random.upTo(IDS)}', 0, '{}')`
  const row = `insert into app.index_identity values (1, 'h1', 1, ${body(random)})`
  return random.pick([
    ['truncate app.composite', some],
    ['truncate app.composite, app.text_keys', key, some],
    ['truncate app.index_identity', row],
    [`${some} on conflict do nothing`, 'truncate app.composite', some],
  ])
}

export const steps: readonly Step[] = [
  insertRows,
  insertRows,
  insertRows,
  insertRows,
  updateRows,
  updateRows,
  updateRows,
  deleteRows,
  replaceRow,
  swapKeys,
  chainKeys,
  moveKeys,
  moveKeys,
  truncate,
]

/** More rows than a flush takes, so that manifests end within a transaction. */
export const largeSteps: readonly Step[] = [
  ({ random }) => {
    const from = 1_000_000 + random.upTo(50) * 1000
    const to = from + 300 + random.upTo(900)
    return [
      `insert into app.bulk select g, 0, md5(g::text) from generate_series(${from}, ${to}) g on conflict do nothing`,
    ]
  },
  ({ random }) => [
    `update app.bulk set payload = md5(payload) where part = ${random.upTo(100)} and id between 0 and 120000`,
    `update app.serial_rows set amount = amount * 1.1 where id % 5 = 0 and id < 6000`,
  ],
  ({ random }) => {
    const from = 1_000_000 + random.upTo(50) * 1000
    return [`delete from app.bulk where id between ${from} and ${from + 700}`]
  },
  ({ random }) => {
    const from = 1_000_000 + random.upTo(50) * 1000
    return [`update app.bulk set id = -id where id between ${from} and ${from + 400}`]
  },
]

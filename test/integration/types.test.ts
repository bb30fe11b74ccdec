/**
 * Values of every type, from the source into the lake, byte for byte.
 *
 * One database has a table for each family of types, filled twice with the same values: before the
 * snapshot, so that the load copies them, and while the stream runs. Whoever reads the source has a
 * role with settings that would change the text of nearly everything.
 */

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'

import fc from 'fast-check'

import type { Encoding } from '../../src/lake/codecs/encoder.ts'
import { missingValues } from '../../src/postgres/catalog.ts'
import { withConnection } from '../../src/postgres/connect.ts'
import { quoteLiteral } from '../../src/postgres/quote.ts'
import { testDatabase, type TestDatabase } from '../support/postgres.ts'
import { CaptureRun, type LakeRow, type LakeTable } from './support/capture-run.ts'
import { disposeOf } from './support/dispose.ts'
import { HostileRole } from './support/hostile-role.ts'
import { sourceOf } from './support/source.ts'
import { FAMILIES, inputOf, outputOf, WITHOUT_VALUES } from './support/type-samples.ts'
import { rowsOf, STREAMED, TypedTables } from './support/typed-tables.ts'

const PARQUET = { arrays: 'json', types: 'full', unfit: 'text' } as const
const ENCODINGS: readonly Pick<Encoding, 'format' | 'parquet'>[] = [
  { format: 'csv' },
  { format: 'parquet', parquet: PARQUET },
  { format: 'parquet', parquet: { ...PARQUET, arrays: 'lists' } },
]

for (const encoding of ENCODINGS) {
  const { format, parquet } = encoding
  const kind = parquet ? `${format} with arrays as ${parquet.arrays}` : format
  describe(`values of every type in ${kind}`, () => valuesOfEveryType(encoding))
}

function valuesOfEveryType(encoding: (typeof ENCODINGS)[number]): void {
  let db: TestDatabase
  let role: HostileRole
  let run: CaptureRun
  let typed: TypedTables

  before(async () => {
    db = await testDatabase()
    typed = await TypedTables.setUp(db)
    role = await HostileRole.make(db)
    await role.own('app.plain')
    await role.own('app."Odd Table"')
    for (const i of FAMILIES.keys()) {
      await typed.create(i)
      await role.own(`app.f${i}`)
      await typed.fill(i, 0)
    }
    await db.query(`create table app.unicode (id int primary key, t text)`)
    await role.own('app.unicode')
    await fillUnicode(0)
    run = await CaptureRun.start(db, sourceOf(db, { url: role.url }), { encoding })
    await run.loaded()
    for (const i of FAMILIES.keys()) await typed.fill(i, STREAMED)
    await fillUnicode(STREAMED)
    await run.caughtUp()
  })

  after(() => disposeOf(run, role, db))

  async function fillUnicode(firstId: number): Promise<void> {
    for (const [i, text] of unicode().entries()) {
      await db.query('insert into app.unicode values ($1, $2)', [firstId + i, text])
    }
  }

  for (const [i, family] of FAMILIES.entries()) {
    test(`are the same text in load and stream: ${family.name}`, async () => {
      const { loaded, streamed } = await run.read({ namespace: 'app', name: `f${i}` })
      const inLoad = byId(loaded, 0)
      const inStream = byId(streamed, STREAMED)
      assert.deepEqual([inLoad.size, inStream.size], [rowsOf(family), rowsOf(family)])
      for (const [column, one] of family.types.entries()) {
        if (!typed.knows(one)) continue
        for (const [row, sample] of one.samples.entries()) {
          const expected = outputOf(sample)
          const what = `${one.type} ${expected.slice(0, 100)}`
          assert.equal(textOf(inLoad.get(row)![column + 1]), expected, `load: ${what}`)
          assert.equal(textOf(inStream.get(row)![column + 1]), expected, `stream: ${what}`)
        }
        const rest = rowsOf(family) - one.samples.length
        const nulls = [...inLoad.values(), ...inStream.values()].filter(
          (values) => values[column + 1] === null,
        )
        assert.equal(nulls.length, 2 * rest, `NULLs of ${one.type}`)
      }
    })
  }

  test('are the same text in load and stream: all of Unicode', async () => {
    const { loaded, streamed } = await run.read({ namespace: 'app', name: 'unicode' })
    for (const rows of [byId(loaded, 0), byId(streamed, STREAMED)]) {
      const texts = [...unicode().keys()].map((id) => textOf(rows.get(id)![1]))
      assert.ok(Buffer.from(texts.join('')).equals(Buffer.from(unicode().join(''))))
    }
  })

  test('have shapes that name the type a value is made of', async () => {
    const domains = FAMILIES.findIndex(({ name }) => name === 'domains')
    const { shape } = await run.read({ namespace: 'app', name: `f${domains}` })
    const named = shape.columns.slice(1).map(({ type }) => [type.name, type.element?.name])
    assert.deepEqual(named, [
      ['int4', undefined],
      ['int4', undefined],
      ['_int4', 'int4'],
      ['pair', undefined],
      ['mood', undefined],
      ['tstzrange', undefined],
      ['numeric', undefined],
      ['_posint', 'int4'],
      ['_ints', '_int4'],
    ])
  })

  test('are the same text as defaults of columns that were added later', async () => {
    await db.query('create table app.older (id int primary key)')
    await db.query('insert into app.older values (1)')
    const expected = new Map<string, string>()
    // A domain that checks its values has the table rewritten, and then there is nothing to say.
    const families = FAMILIES.filter(({ name }) => name !== 'domains')
    for (const one of families.flatMap(({ types }) => types).filter(typed.knows)) {
      for (const sample of one.samples) {
        const name = `c${expected.size}`
        // The name of a role cannot be a constant of a default.
        if (outputOf(sample).length > 1000 || one.type === 'regrole') continue
        await db.query(
          `alter table app.older add column ${name} ${one.type} default ${quoteLiteral(inputOf(sample))}`,
        )
        expected.set(name, outputOf(sample))
      }
    }
    const [row] = await db.query(`select 'app.older'::regclass::oid as oid`)
    const found = await withConnection({ url: role.url, applicationName: 'test' }, (client) =>
      missingValues(client, Number(row!['oid'])),
    )
    assert.deepEqual(found, expected)
  })

  test('are tried for every type that the server has', async () => {
    const types = FAMILIES.flatMap((family) => family.types).filter(typed.knows)
    const tried = new Set<unknown>()
    for (const { type } of types) {
      const [row] = await db.query(
        `select typname as name from pg_type where oid = $1::text::regtype`,
        [type],
      )
      tried.add(row!['name'])
    }
    const all = await db.query(
      `select typname as name from pg_type
        where typnamespace = 'pg_catalog'::regnamespace and typtype in ('b', 'r', 'm')
          and typcategory <> 'A' order by 1`,
    )
    const left = all.map(({ name }) => String(name)).filter((name) => !tried.has(name))
    assert.deepEqual(
      left.filter((name) => !WITHOUT_VALUES.has(name)),
      [],
    )
  })
}

describe('any text', () => {
  test('comes through load and stream as it is', async () => {
    const unit = fc.oneof(
      fc.constantFrom('"', ',', '\n', '\r', '\\', '\t', "'", ' ', '\u{10ffff}', '\u0001'),
      fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }),
    )
    const text = fc
      .array(unit, { maxLength: 30 })
      .map((parts) => parts.join('').replaceAll('\0', ''))
    const texts = fc.array(fc.option(text), { minLength: 1, maxLength: 200, size: 'max' })
    await fc.assert(
      fc.asyncProperty(texts, async (values) => {
        await using db = await testDatabase()
        await db.query('create table t (id int primary key, v text)')
        const insert = (first: number): Promise<unknown> =>
          db.query(
            'insert into t select $1 + n - 1, v from unnest($2::text[]) with ordinality as x (v, n)',
            [first, values],
          )
        await insert(0)
        await using run = await CaptureRun.start(db, sourceOf(db))
        await run.loaded()
        await insert(STREAMED)
        await run.caughtUp()
        const { loaded, streamed } = await run.read({ namespace: 'public', name: 't' })
        assert.deepEqual(textsOf(byId(loaded, 0)), values)
        assert.deepEqual(textsOf(byId(streamed, STREAMED)), values)
      }),
      { numRuns: Number(process.env['FC_RUNS'] ?? 3), endOnFailure: true },
    )
  })

  test('is UTF-8 in the lake, whatever the encoding of the database', async () => {
    await using server = await testDatabase({ encoding: 'LATIN1' })
    const values = ['Grüße', 'ÿ¡', 'ascii']
    await server.query('create table "Straße" (id int primary key, "größe" text)')
    const insert = (first: number): Promise<unknown> =>
      server.query(
        'insert into "Straße" select $1 + n - 1, v from unnest($2::text[]) with ordinality as x (v, n)',
        [first, values],
      )
    await insert(0)
    await using run = await CaptureRun.start(server, sourceOf(server))
    await run.loaded()
    await insert(STREAMED)
    await run.caughtUp()
    const table = await run.read({ namespace: 'public', name: 'Straße' })
    assert.deepEqual(
      table.shape.columns.map(({ name }) => name),
      ['id', 'größe'],
    )
    assert.deepEqual(textsOf(byId(table.loaded, 0)), values)
    assert.deepEqual(textsOf(byId(table.streamed, STREAMED)), values)
  })
})

/** Rows by their key, which is the first column. */
function byId(rows: LakeTable['loaded'], firstId: number): Map<number, LakeRow> {
  const found = new Map<number, LakeRow>()
  for (const row of rows) found.set(Number(textOf(row[0])) - firstId, row)
  assert.equal(found.size, rows.length)
  return found
}

function textsOf(rows: ReadonlyMap<number, LakeRow>): (string | null)[] {
  return [...rows.keys()].toSorted((a, b) => a - b).map((id) => textOf(rows.get(id)![1]))
}

/** Fails on bytes that are no UTF-8: comparing decoded text would not see them. */
function textOf(value: LakeRow[number] | undefined): string | null {
  if (value === null) return null
  assert.ok(Buffer.isBuffer(value))
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(value)
}

const CHUNK = 0x1000
let chunks: readonly string[] | null = null

/** Every character that a text may have, plane by plane: no NUL, no surrogates. */
function unicode(): readonly string[] {
  chunks ??= Array.from({ length: 0x110000 / CHUNK }, (_, chunk) => {
    let text = ''
    for (let code = chunk * CHUNK; code < (chunk + 1) * CHUNK; code++) {
      const isSurrogate = code >= 0xd800 && code <= 0xdfff
      if (code !== 0 && !isSurrogate) text += String.fromCodePoint(code)
    }
    return text
  })
  return chunks
}

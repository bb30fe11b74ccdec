/** A table as it was at a time, from loads and changes. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { lsn } from '../../../../src/core/lsn.ts'
import { tableAsOf } from '../../../../src/lake/history/as-of.ts'
import { momentOf, type Moment } from '../../../../src/lake/history/moment.ts'
import { collect } from '../../../support/collect.ts'
import { UNCHANGED, wire } from '../../../support/wire.ts'
import { CUSTOMERS, HOUR, NOON, SampleLake, SECOND } from '../sample-lake.ts'

/** `1=Ada 2=-`, in the order of the keys. */
async function rowsAt(lake: SampleLake, moment: Moment): Promise<string> {
  const { rows } = await tableAsOf(lake, CUSTOMERS, moment)
  const texts: string[] = []
  for await (const values of rows) texts.push(values.map((value) => value ?? '-').join('='))
  return texts.toSorted().join(' ')
}

const at = (seconds: number) => momentOf(NOON + seconds * SECOND)

/** What happens to rows 1 and 2 of a load, second by second, and the rows after each. */
const STEPS: readonly { readonly does: readonly Buffer[]; readonly rows: string }[] = [
  { does: [wire.insert(1, ['3', 'Cy'])], rows: '1=Ada 2=Bob 3=Cy' },
  { does: [wire.update(1, ['1', UNCHANGED])], rows: '1=Ada 2=Bob 3=Cy' },
  { does: [wire.update(1, ['3', UNCHANGED])], rows: '1=Ada 2=Bob 3=Cy' },
  {
    // The key of a row of the load goes from 1 to 4, and the name was not sent.
    does: [wire.update(1, ['4', UNCHANGED], { key: ['1', null] })],
    rows: '2=Bob 3=Cy 4=Ada',
  },
  {
    // Once more, and then back to the key it had, while another row takes the one between.
    does: [
      wire.update(1, ['5', UNCHANGED], { key: ['4', null] }),
      wire.update(1, ['4', UNCHANGED], { key: ['2', null] }),
      wire.update(1, ['1', UNCHANGED], { key: ['5', null] }),
    ],
    rows: '1=Ada 3=Cy 4=Bob',
  },
  { does: [wire.delete(1, { key: ['3', null] })], rows: '1=Ada 4=Bob' },
  { does: [wire.insert(1, ['3', null]), wire.update(1, ['4', ''])], rows: '1=Ada 3=- 4=' },
  { does: [wire.truncate([1])], rows: '' },
  { does: [wire.insert(1, ['1', 'Eve'])], rows: '1=Eve' },
]

async function story(): Promise<SampleLake> {
  const lake = new SampleLake()
  const writer = await lake.open()
  await lake.load(writer, 'l1', ['1,Ada', '2,Bob'])
  for (const { does } of STEPS) await lake.commit(writer, ...does)
  return lake
}

describe('a table', () => {
  test('is its load and the changes up to the time, whichever it is', async () => {
    const lake = await story()
    assert.equal(await rowsAt(lake, at(0)), '1=Ada 2=Bob')
    for (const [i, { rows }] of STEPS.entries()) {
      assert.equal(await rowsAt(lake, at(i + 1)), rows, `after ${i + 1} seconds`)
      assert.equal(await rowsAt(lake, at(i + 1.5)), rows, `after ${i + 1} seconds and a half`)
    }
  })

  test('is what had committed at or below an LSN', async () => {
    const lake = await story()
    for (const [i, { rows }] of STEPS.entries()) {
      const place = lsn(0x100n + 0x10n * BigInt(i + 1))
      assert.equal(await rowsAt(lake, { type: 'lsn', lsn: place }), rows)
    }
  })

  test('keeps what a row of a long load gave to another, while the load goes on', async () => {
    const lake = new SampleLake()
    const writer = await lake.open()
    const name = (i: number) => `${i}`.padStart(1000, 'x')
    const count = 600 // more than one block of rows
    await lake.load(
      writer,
      'l1',
      Array.from({ length: count }, (_, i) => `${i},${name(i)}`),
    )
    await lake.commit(writer, wire.update(1, ['new', UNCHANGED], { key: ['7', null] }))
    const rows = (await rowsAt(lake, at(1))).split(' ')
    assert.equal(rows.length, count)
    assert.ok(rows.includes(`new=${name(7)}`))
  })

  test('has its defaults in a column that was added since, also in rows of the load', async () => {
    const lake = new SampleLake()
    const writer = await lake.open()
    await lake.load(writer, 'l1', ['1,Ada', '2,Bob'])
    await lake.commit(writer, wire.update(1, ['2', 'Bo']))
    lake.relation = { oid: 1, name: 'customers', columns: ['id', 'name', 'city'] }
    lake.feed.catalog.missing.set('city', 'Rome')
    await lake.commit(writer, wire.insert(1, ['3', 'Cy', null]))
    assert.equal(await rowsAt(lake, at(1)), '1=Ada 2=Bo')
    assert.equal(await rowsAt(lake, at(2)), '1=Ada=Rome 2=Bo=Rome 3=Cy=-')
  })

  test('comes from the newest load that had ended by then', async () => {
    const lake = await story()
    const writer = await lake.open('w2')
    lake.nowMs += SECOND
    await lake.load(writer, 'l2', ['1,Eve', '9,Zoe'])
    lake.nowMs += SECOND
    await lake.commit(writer, wire.delete(1, { key: ['9', null] }))
    const seconds = STEPS.length
    assert.equal(await rowsAt(lake, at(seconds)), '1=Eve')
    assert.equal(await rowsAt(lake, at(seconds + 1)), '1=Eve 9=Zoe')
    assert.equal(await rowsAt(lake, at(seconds + 4)), '1=Eve')
  })

  test('says how far the lake goes, if the time is later', async () => {
    const lake = await story()
    const later = await tableAsOf(lake, CUSTOMERS, at(60))
    assert.equal(later.upTo, new Date(lake.nowMs).toISOString())
    assert.equal((await tableAsOf(lake, CUSTOMERS, at(2))).upTo, null)
  })

  test('is read no further than the time, however long the log goes on', async () => {
    const lake = await story()
    const writer = await lake.open('w2')
    for (let i = 0; i < 40; i++) await lake.commit(writer, wire.insert(1, [`n${i}`, 'x']))
    const asked: number[] = []
    const { reader, shapes } = lake
    const manifests = reader.manifests.bind(reader)
    reader.manifests = async function* (...range) {
      for await (const manifest of manifests(...range)) {
        asked.push(manifest.n)
        yield manifest
      }
    }
    await collect((await tableAsOf({ reader, shapes }, CUSTOMERS, at(3))).rows)
    // The load is read once more for its parts.
    assert.ok(Math.max(...asked.slice(-4)) < 12, asked.join())
  })
})

describe('what the lake does not know is refused:', () => {
  const cases: readonly {
    readonly name: string
    readonly lake: () => Promise<SampleLake>
    readonly moment: Moment
    readonly says: RegExp
  }[] = [
    {
      name: 'a time before the lake',
      lake: story,
      moment: momentOf(NOON - HOUR),
      says: /begins later/,
    },
    {
      name: 'a table that it does not have',
      lake: async () => {
        const lake = new SampleLake()
        await lake.open()
        return lake
      },
      moment: at(1),
      says: /knew no table public\.customers/,
    },
    {
      name: 'a table that was never loaded',
      lake: async () => {
        const lake = new SampleLake()
        await lake.commit(await lake.open(), wire.insert(1, ['1', 'Ada']))
        return lake
      },
      moment: at(1),
      says: /no load of public\.customers had ended/,
    },
    {
      name: 'a table that was changed in a way that the log cannot tell',
      lake: async () => {
        const lake = await story()
        lake.relation = {
          oid: 1,
          name: 'customers',
          columns: ['id', { name: 'name', isKey: true }],
        }
        await lake.commit(await lake.open('w2'), wire.insert(1, ['1', 'Ada']))
        return lake
      },
      moment: at(STEPS.length + 1),
      says: /changed in a way that the log cannot tell/,
    },
  ]

  for (const { name, lake, moment, says } of cases) {
    test(name, async () => {
      await assert.rejects(rowsAt(await lake(), moment), { code: 'TIME_UNKNOWN', message: says })
    })
  }
})

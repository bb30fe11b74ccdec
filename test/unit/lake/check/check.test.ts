/** What `lake check` finds in lakes that something happened to. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import type { ObjectStore } from '../../../../src/core/object-store.ts'
import { checkLake } from '../../../../src/lake/check/check.ts'
import type { Finding } from '../../../../src/lake/check/finding.ts'
import { manifestKey, rollupKey } from '../../../../src/lake/layout.ts'
import { writeKept } from '../../../../src/lake/retention/kept.ts'
import { collect } from '../../../support/collect.ts'
import { wire } from '../../../support/wire.ts'
import { SampleLake } from '../sample-lake.ts'

const FILES = /^public\/customers\/cdc\//
const PARTS = /^public\/customers\/load\//

/** Manifests: 1 open, 2 and 3 a load, 4 to 6 changes, 7 open of a second run, 8 changes. */
async function sample(): Promise<SampleLake> {
  const lake = new SampleLake({ rollupEvery: 4 })
  const writer = await lake.open()
  await lake.load(writer, 'l1', ['1,Ada', '2,Bob'])
  await lake.commit(writer, wire.insert(1, ['3', 'Cy']), wire.update(1, ['1', 'Ada L.']))
  await lake.commit(writer, wire.delete(1, { key: ['2', null] }))
  await lake.commit(writer, wire.truncate([1]))
  const second = await lake.open('w2')
  await lake.commit(second, wire.insert(1, ['4', 'Di']))
  return lake
}

function check(store: ObjectStore): Promise<Finding[]> {
  return collect(checkLake(store, { manifests: 0, files: 0, bytes: 0 }))
}

async function firstKey(store: ObjectStore, pattern: RegExp): Promise<string> {
  const keys = await collect(store.list(''))
  return keys.find((key) => pattern.test(key)) ?? assert.fail(`no ${pattern.source}`)
}

async function change(store: ObjectStore, key: string, edit: (bytes: Buffer) => Buffer) {
  await store.put(key, edit((await store.get(key)) ?? assert.fail(key)))
}

/** Puts another text in the place of one in a manifest. */
function altered(n: number, from: RegExp, to: string) {
  return (store: ObjectStore) =>
    change(store, manifestKey(n), (bytes) => {
      const text = bytes.toString()
      assert.match(text, from)
      return Buffer.from(text.replace(from, to))
    })
}

interface Case {
  readonly name: string
  readonly harm: (store: ObjectStore) => Promise<void>
  readonly code: string
  readonly file: RegExp | string
  readonly says: RegExp
}

const CASES: readonly Case[] = [
  {
    name: 'a file with one bit turned',
    harm: async (store) =>
      change(store, await firstKey(store, FILES), (bytes) => {
        bytes[bytes.length - 2]! ^= 1
        return bytes
      }),
    code: 'LAKE_DAMAGED',
    file: FILES,
    says: /^it has other bytes than it had$/,
  },
  {
    name: 'a file that was cut off',
    harm: async (store) =>
      change(store, await firstKey(store, FILES), (bytes) => bytes.subarray(0, -3)),
    code: 'LAKE_DAMAGED',
    file: FILES,
    says: /no longer has the \d+ bytes/,
  },
  {
    name: 'a file of changes that a lifecycle rule deleted',
    harm: async (store) => store.delete(await firstKey(store, FILES)),
    code: 'OBJECT_MISSING',
    file: FILES,
    says: /not in the lake/,
  },
  {
    name: 'a part of the newest load that is gone',
    harm: async (store) => store.delete(await firstKey(store, PARTS)),
    code: 'OBJECT_MISSING',
    file: PARTS,
    says: /not in the lake/,
  },
  {
    name: 'a manifest that is missing in the middle',
    harm: (store) => store.delete(manifestKey(5)),
    code: 'LAKE_DAMAGED',
    file: manifestKey(5),
    says: /^it is missing, and 6 is there$/,
  },
  {
    name: 'the first manifests gone, without retention having said so',
    harm: async (store) => {
      await store.delete(manifestKey(1))
      await store.delete(manifestKey(2))
    },
    code: 'LAKE_DAMAGED',
    file: manifestKey(1),
    says: /^it and all up to 2 are missing, and 3 is there$/,
  },
  {
    name: 'a manifest that is no JSON any more',
    harm: (store) => change(store, manifestKey(5), (bytes) => bytes.subarray(0, 40)),
    code: 'LAKE_DAMAGED',
    file: manifestKey(5),
    says: /is not JSON/,
  },
  {
    name: 'counts that are not those of the file',
    harm: altered(4, /"i":1,"u":1/, '"i":2,"u":0'),
    code: 'LAKE_DAMAGED',
    file: FILES,
    says: /^it has 1 inserts, 1 updates and 0 deletes, and its entry says 2, 0 and 0$/,
  },
  {
    name: 'a file that overlaps the one before it',
    harm: altered(5, /"first":\{"lsn":"0\/120"/, '"first":{"lsn":"0/110"'),
    code: 'LAKE_DAMAGED',
    file: manifestKey(5),
    says: /overlaps the file before it: it begins at 0\/110 ordinal 2/,
  },
  {
    name: 'ticks that were given twice',
    harm: altered(5, /"order":\d+/, '"order":1000'),
    code: 'LAKE_DAMAGED',
    file: manifestKey(5),
    says: /has order 1000, and \d+ was given already/,
  },
  {
    name: 'a load that ends with other rows than its parts have',
    harm: altered(3, /"rows":2/, '"rows":3'),
    code: 'LAKE_DAMAGED',
    file: manifestKey(3),
    says: /^load l1 of public\.customers ends with 3 rows, and its parts have 2$/,
  },
  {
    name: 'a confirm that goes back',
    harm: altered(6, /"confirm":"[^"]+"/, '"confirm":"0/50"'),
    code: 'LAKE_DAMAGED',
    file: manifestKey(6),
    says: /^confirm is 0\/50, after 0\/128$/,
  },
  {
    name: 'a manifest of a generation that had been fenced',
    harm: altered(8, /"generation":7/, '"generation":1'),
    code: 'LAKE_DAMAGED',
    file: manifestKey(8),
    says: /^generation is 1, and that of the manifest before 7$/,
  },
  {
    name: 'a roll-up that is not what follows from the manifests',
    harm: async (store) => {
      const other = new SampleLake({ rollupEvery: 4 })
      const writer = await other.open()
      await writer.heartbeat(writer.state.confirm!)
      await writer.heartbeat(writer.state.confirm!)
      await writer.heartbeat(writer.state.confirm!)
      await store.put(rollupKey(4), (await other.store.get(rollupKey(4)))!)
    },
    code: 'LAKE_DAMAGED',
    file: rollupKey(4),
    says: /not what follows from the manifests/,
  },
  {
    name: 'a shape that was altered',
    harm: async (store) =>
      change(store, await firstKey(store, /\/shapes\//), (bytes) =>
        Buffer.from(bytes.toString().replace('"id"', '"xx"')),
      ),
    code: 'LAKE_DAMAGED',
    file: /^_millrace\/shapes\//,
    says: /its hash is/,
  },
  {
    name: 'a file that a crash left',
    harm: async (store) =>
      store.put(
        `public/customers/cdc/dt=2026-11-23/${'5'.padStart(20, '0')}-g4.csv`,
        Buffer.from('x'),
      ),
    code: 'FILE_UNNAMED',
    file: FILES,
    says: /^no manifest names it$/,
  },
  {
    name: 'a part of a load that the log never heard of',
    harm: async (store) => store.put('public/customers/load/l9/000000.csv', Buffer.from('x')),
    code: 'FILE_UNNAMED',
    file: PARTS,
    says: /^no manifest names it$/,
  },
  {
    name: 'something else in the bucket',
    harm: (store) => store.put('reports/2026.xlsx', Buffer.from('x')),
    code: 'LAKE_FOREIGN',
    file: 'reports/2026.xlsx',
    says: /^it is no file of a lake$/,
  },
  {
    name: 'a stranger among the manifests',
    harm: (store) => store.put('_millrace/manifests/copy of 5.json', Buffer.from('x')),
    code: 'LAKE_FOREIGN',
    file: '_millrace/manifests/copy of 5.json',
    says: /^it is no/,
  },
]

describe('a check', () => {
  test('finds nothing in a lake that nothing happened to, and writes nothing', async () => {
    const { store } = await sample()
    const before = await collect(store.list(''))
    const told = { manifests: 0, files: 0, bytes: 0 }
    assert.deepEqual(await collect(checkLake(store, told)), [])
    assert.deepEqual(await collect(store.list('')), before)
    assert.deepEqual([told.manifests, told.files], [8, 5])
  })

  for (const { name, harm, code, file, says } of CASES) {
    test(`finds ${name}, and names the file`, async () => {
      const { store } = await sample()
      await harm(store)
      const findings = await check(store)
      const found = findings.find((finding) => finding.code === code && says.test(finding.message))
      assert.ok(found, JSON.stringify(findings))
      if (typeof file === 'string') assert.equal(found.file, file)
      else assert.match(found.file, file)
      assert.notEqual(found.cure, '')
    })
  }

  test('says once what one damage is, and goes on behind it', async () => {
    const { store } = await sample()
    await store.delete(manifestKey(5))
    await change(store, await lastFile(store), (bytes) => bytes.subarray(0, -1))
    const findings = await check(store)
    assert.deepEqual(
      findings.map(({ code }) => code),
      ['LAKE_DAMAGED', 'LAKE_DAMAGED'],
      JSON.stringify(findings),
    )
  })

  test('accepts what retention has removed, and what it is about to', async () => {
    const { store } = await sample()
    await writeKept(store, { first: 5, loads: 0, sweptLoads: 0 })
    assert.deepEqual(await check(store), [])
    await store.delete(manifestKey(1))
    assert.deepEqual(await check(store), [])
  })

  test('takes a load that a newer one has followed for removable, and the newest one not', async () => {
    const lake = await sample()
    const writer = await lake.open('w3')
    await lake.load(writer, 'l2', ['4,Di'])
    await writeKept(lake.store, { first: 1, loads: writer.state.n, sweptLoads: 0 })
    await lake.store.delete('public/customers/load/l1/000000.csv')
    assert.deepEqual(await check(lake.store), [])
    await lake.store.delete('public/customers/load/l2/000000.csv')
    assert.deepEqual(
      (await check(lake.store)).map(({ file }) => file),
      ['public/customers/load/l2/000000.csv'],
    )
  })

  test('leaves alone what is being written while it looks', async () => {
    const { store } = await sample()
    const n = '9'.padStart(20, '0')
    await store.put(`public/customers/cdc/dt=2026-11-23/${n}-g7.csv`, Buffer.from('x'))
    assert.deepEqual(await check(store), [])
  })
})

async function lastFile(store: ObjectStore): Promise<string> {
  const keys = await collect(store.list('public/customers/cdc/'))
  return keys.at(-1)!
}

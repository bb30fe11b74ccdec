/** `lake ls`, `cat`, `check` and `sweep`, on a lake in a folder. */

import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'

import type { DataFormat } from '../../../../src/lake/data-file.ts'
import { writeRegistration } from '../../../../src/lake/retention/consumers.ts'
import { FolderStore } from '../../../../src/storage/folder-store.ts'
import { collect } from '../../../support/collect.ts'
import { temporaryFolder } from '../../../support/temporary-folder.ts'
import { UNCHANGED, wire } from '../../../support/wire.ts'
import { SampleLake } from '../../lake/sample-lake.ts'
import { millrace } from '../support.ts'

const NAME = 'public.customers'

interface Place {
  readonly config: string
  readonly lake: SampleLake
  readonly folder: string
}

/** A load of two rows at 10:00:00, then a transaction in each of the next three seconds. */
async function place({
  format = 'csv.gz',
  keep = '',
}: { readonly format?: DataFormat; readonly keep?: string } = {}): Promise<Place> {
  const folder = temporaryFolder('lake')
  const config = join(folder, 'millrace.yaml')
  writeFileSync(
    config,
    `task: shop\nsource:\n  url: postgres://shop@localhost/shop\nlake:\n  url: ./lake\n${keep}`,
  )
  const store = new FolderStore(join(folder, 'lake'))
  const lake = new SampleLake({ store, format, rollupEvery: 4 })
  const writer = await lake.open()
  await lake.load(writer, 'l1', ['1,Ada', '2,Bob'])
  await lake.commit(writer, wire.insert(1, ['3', '']), wire.update(1, ['1', 'Ada, L.']))
  await lake.commit(writer, wire.update(1, ['4', UNCHANGED], { key: ['1', null] }))
  await lake.commit(writer, wire.delete(1, { key: ['2', null] }))
  return { config, lake, folder }
}

/** CSV without the columns of the lake but `Op`. */
function short(csv: string): string[] {
  return csv
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.replace(/^([IUDT]),\d+,\d+,\d+,[^,]*,/, '$1 '))
}

describe('lake cat', () => {
  for (const format of ['csv', 'csv.gz', 'parquet'] as const) {
    test(`prints all rows of a lake of ${format} in the order of the log`, async () => {
      const { config } = await place({ format })
      const { stdout, exitCode } = await millrace(['lake', 'cat', NAME, '--config', config])
      assert.equal(exitCode, 0)
      assert.match(stdout, /^Op,_order,_lsn,_seq,_committed_at,_unchanged,id,name\n/)
      assert.deepEqual(short(stdout), [
        'I ,1,Ada',
        'I ,2,Bob',
        'I ,3,""',
        'U ,1,"Ada, L."',
        'D ,1,',
        'I name,4,',
        'D ,2,',
      ])
    })
  }

  const cases: readonly { name: string; words: readonly string[]; rows: readonly string[] }[] = [
    {
      name: 'the versions of one row, and where it went',
      words: ['--key', '1'],
      rows: ['I ,1,Ada', 'U ,1,"Ada, L."', 'D ,1,', 'I name,4,'],
    },
    {
      name: 'the changes between two times',
      words: ['--from', '2026-11-23T10:00:02Z', '--to', '2026-11-23 11:00:03+01:00'],
      rows: ['D ,1,', 'I name,4,'],
    },
    { name: 'the changes from an LSN on', words: ['--from', '0/130'], rows: ['D ,2,'] },
    { name: 'only changes', words: ['--no-loads', '--to', '2026-11-23 10:00:02'], rows: ['I ,3,""', 'U ,1,"Ada, L."'] }, // prettier-ignore
  ]
  for (const { name, words, rows } of cases) {
    test(`prints ${name}`, async () => {
      const { config } = await place()
      const all = ['lake', 'cat', NAME, '--config', config, ...words]
      assert.deepEqual(short((await millrace(all)).stdout), rows)
    })
  }

  test('prints a table as it was at a time, and says where the lake ends', async () => {
    const { config } = await place()
    const asOf = (time: string, ...more: string[]) =>
      millrace(['lake', 'cat', NAME, '--config', config, '--as-of', time, ...more])
    const then = await asOf('2026-11-23T10:00:01Z')
    assert.deepEqual(then.stdout.split('\n'), ['id,name', '2,Bob', '3,""', '1,"Ada, L."', ''])
    assert.equal(then.stderr, '')
    const now = await asOf('0s')
    assert.deepEqual(now.stdout.split('\n'), ['id,name', '3,""', '4,"Ada, L."', ''])
    assert.match(now.stderr, /the lake ends at 2026-11-23T10:00:03\.000Z/)
    const one = await asOf('2026-11-23T10:00:02Z', '--key', '4', '--json')
    assert.equal(one.stdout, '{"id":"4","name":"Ada, L."}\n')
  })

  test('prints a JSON object a line, with each value as its text', async () => {
    const { config } = await place()
    const words = ['lake', 'cat', NAME, '--config', config, '--json', '--key', '4']
    const { stdout } = await millrace(words)
    const row = JSON.parse(stdout) as Record<string, unknown>
    assert.deepEqual(
      [row['Op'], row['_lsn'], row['_unchanged'], row['row']],
      ['I', '288', ['name'], { id: '4' }],
    )
  })

  const refusals: readonly [name: string, words: readonly string[], says: RegExp][] = [
    ['a table that it does not have', ['app.nothing'], /no such table: app\.nothing/],
    ['a file that it does not have', [NAME, '--file', 'x.csv'], /no such file: x\.csv/],
    ['a name that is none', ['customers'], /is no name of a table/],
    ['a time that is none', [NAME, '--from', 'yesterday'], /--from: "yesterday" is no time/],
    ['two ways of asking', [NAME, '--as-of', '1h', '--from', '2h'], /--as-of cannot be together/],
    ['a key of other columns', [NAME, '--key', '{"name":"x"}'], /the key of .* is id/],
  ]
  for (const [name, words, says] of refusals) {
    test(`refuses ${name}`, async () => {
      const { config } = await place()
      const { exitCode, stderr, stdout } = await millrace([
        'lake',
        'cat',
        ...words,
        '--config',
        config,
      ])
      assert.deepEqual([exitCode, stdout], [2, ''])
      assert.match(stderr, says)
    })
  }

  test('names a time before the lake, with its code', async () => {
    const { config } = await place()
    const words = ['lake', 'cat', NAME, '--config', config, '--as-of', '2020-01-01']
    const { exitCode, stderr } = await millrace(words)
    assert.equal(exitCode, 1)
    assert.match(stderr, /TIME_UNKNOWN/)
  })
})

describe('lake check', () => {
  test('ends with 0 and says how much it read', async () => {
    const { config } = await place()
    const { exitCode, stdout } = await millrace(['lake', 'check', '--config', config])
    assert.equal(exitCode, 0)
    assert.match(stdout, /^nothing is wrong: 6 manifests and 4 files with [\d,.]+ \w+ were read\n$/)
  })

  test('prints a line with code, file and cure for each finding, and ends with 3', async () => {
    const { config, lake, folder } = await place()
    const keys = await collect(lake.store.list('public/customers/cdc/'))
    const path = join(folder, 'lake', keys[1]!)
    const bytes = await readFile(path)
    bytes[bytes.length - 1]! ^= 1
    await writeFile(path, bytes)
    const { exitCode, stdout } = await millrace(['lake', 'check', '--config', config])
    assert.equal(exitCode, 3)
    const [line = '', last = ''] = stdout.split('\n')
    assert.ok(line.startsWith(`LAKE_DAMAGED  ${keys[1]}: it is not a whole gzip file`), line)
    assert.match(line, /what to do: restore it .* `millrace resync public\.customers`/)
    assert.match(last, /^1 finding: /)
    const json = await millrace(['lake', 'check', '--config', config, '--json'])
    assert.equal(json.exitCode, 3)
    const [finding, sum] = json.stdout
      .trim()
      .split('\n')
      .map((text) => JSON.parse(text) as object)
    assert.deepEqual(Object.keys(finding!), ['code', 'file', 'message', 'cure'])
    assert.equal((sum as { findings: number }).findings, 1)
  })

  test('refuses a lake of a newer version', async () => {
    const { config, folder } = await place()
    await writeFile(join(folder, 'lake', '_millrace', 'lake.json'), '{"version":2}')
    for (const words of [['check'], ['ls'], ['cat', NAME], ['sweep']]) {
      const { exitCode, stderr } = await millrace(['lake', ...words, '--config', config])
      assert.equal(exitCode, 1)
      assert.match(stderr, /LAKE_VERSION/)
    }
  })
})

describe('lake ls', () => {
  test('counts files, bytes and rows of each table and of all', async () => {
    const { config } = await place()
    const { stdout } = await millrace(['lake', 'ls', '--config', config])
    assert.match(stdout, /manifests 1 to 6, 2026-11-23T10:00:00\.000Z to 2026-11-23T10:00:03\.000Z/)
    assert.match(stdout, /public\.customers +2 +2 +1 +2 +4 .* manifest 6 +2026-11-23T10:00:03/)
    assert.match(stdout, /\n4 files, .* with 2 loaded rows and 5 changes\n$/)
    const json = await millrace(['lake', 'ls', NAME, '--config', config, '--json'])
    const { files, total } = JSON.parse(json.stdout) as { files: unknown[]; total: object }
    assert.equal(files.length, 4)
    assert.equal((total as { changes: number }).changes, 5)
  })

  test('refuses a table that the lake has not', async () => {
    const { config } = await place()
    const { exitCode, stderr } = await millrace(['lake', 'ls', 'public.others', '--config', config])
    assert.equal(exitCode, 2)
    assert.match(stderr, /USAGE {2}the lake has no table public\.others/)
  })
})

describe('lake sweep', () => {
  const KEEP = '  keep: 1h\n  keepLoads: until-taken\n'

  /** A second load, and changes after it. */
  async function aged(): Promise<Place> {
    const its = await place({ keep: KEEP })
    const writer = await its.lake.open('w2')
    await its.lake.load(writer, 'l2', ['3,', '4,"Ada, L."'])
    await its.lake.commit(writer, wire.insert(1, ['5', 'Eve']))
    return its
  }

  test('removes what is not kept and not needed, and says what holds the rest', async () => {
    const { config, lake } = await aged()
    const dry = await millrace(['lake', 'sweep', '--config', config, '--dry-run'])
    assert.match(dry.stdout, /^4 manifests and \d files would be removed; the log begins at manifest 5\n/) // prettier-ignore
    assert.equal(await lake.reader.first(), 1)
    const { stdout, exitCode } = await millrace(['lake', 'sweep', '--config', config])
    assert.equal(exitCode, 0)
    assert.match(stdout, /^4 manifests and \d files were removed; the log begins at manifest 5\n/)
    assert.match(stdout, /the newest load of public\.customers needs what lies above manifest 7\n/)
    assert.equal(await lake.reader.first(), 5)
    const check = await millrace(['lake', 'check', '--config', config])
    assert.equal(check.exitCode, 0, check.stdout)
  })

  test('removes nothing that a consumer needs, until it is told to forget it', async () => {
    const { config, lake } = await aged()
    const at = '2026-11-23T10:00:00.000Z'
    await writeRegistration(lake.store, { consumer: 'shop/old', above: 2, at })
    const held = await millrace(['lake', 'sweep', '--config', config])
    assert.match(held.stdout, /^0 manifests .*\n {2}shop\/old needs what lies above manifest 2\n/)
    const unknown = await millrace(['lake', 'sweep', '--config', config, '--forget', 'shop/new'])
    assert.equal(unknown.exitCode, 2)
    assert.match(unknown.stderr, /it knows: shop\/old/)
    const { stdout } = await millrace([
      'lake',
      'sweep',
      '--config',
      config,
      '--forget',
      'shop/old',
      '--json',
    ])
    const result = JSON.parse(stdout) as { first: number; manifests: number }
    assert.deepEqual([result.first, result.manifests], [5, 4])
  })
})

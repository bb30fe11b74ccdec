/**
 * Targets that keep what is gone, under other names, from the outside: a random load, kills, a table
 * that is loaded again, and in the end the rows of the source, found among those that were kept.
 */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { DuckDBInstance } from '@duckdb/node-api'

import { seededRandom } from '../../src/demo/random.ts'
import { testDatabase } from '../support/postgres.ts'
import { runCli, startCli } from './support/cli.ts'
import { createMillTables } from './support/mill-tables.ts'
import { startRandomLoad } from './support/random-load.ts'
import { taskFolder } from './support/task-folder.ts'
import { compareAll, differencesIn } from './support/warehouse.ts'

const SEED = Number(process.env['CRASH_SEED'] ?? Math.trunc(Math.random() * 1e6))
const KILLS = Number(process.env['CRASH_KILLS'] ?? 3)

/** By which rows are found again. */
const KEYS = {
  serial_rows: 'id',
  composite: 'b, a',
  text_keys: 'code',
  toasted: 'id',
  full_identity: 'id',
  index_identity: 'handle',
  bulk: 'id',
}

const RENAME = [{ schema: 'app', to: 'kept' }]

describe('targets that keep what is gone', () => {
  test('have the rows of the source, and each version once, whatever was killed', async (t) => {
    t.diagnostic(`CRASH_SEED=${SEED} CRASH_KILLS=${KILLS}`)
    const random = seededRandom(SEED)
    await using source = await testDatabase()
    await createMillTables(source)
    const target = (name: string, mode: string) => ({
      [name]: { type: 'duckdb', path: `./${name}.duckdb`, interval: '50ms', mode, rename: RENAME },
    })
    await using folder = await taskFolder(source.url, {
      source: { lookEvery: '100ms' },
      lake: { flush: { every: '100ms', rows: 500 } },
      targets: { ...target('marked', 'soft-delete'), ...target('versions', 'history') },
    })
    await using load = startRandomLoad(source.url, SEED)
    for (let i = 0; i < KILLS; i++) {
      await using child = startCli(['run', '--config', folder.config])
      await child.line('target began to apply')
      if (i === 1) {
        const words = ['resync', 'app.toasted', '--config', folder.config]
        const { code, stderr } = await runCli(words)
        assert.equal(code, 0, stderr)
      }
      await sleep(500 + random.upTo(1500))
      await child.end('SIGKILL')
    }
    await load.stop()
    await source.query('delete from app.text_keys where n < 10; truncate app.composite')
    const words = ['run', '--config', folder.config, '--until-caught-up']
    const { code, stdout, stderr } = await runCli(words)
    assert.equal(code, 0, stderr + stdout)

    const marked = join(folder.path, 'marked.duckdb')
    const counts = await withPresent(
      marked,
      presentOfMarked,
      (name) => `SELECT count(*) FROM kept.${name} WHERE _deleted_at IS NOT NULL`,
    )
    assert.ok(counts['text_keys']! >= 1 && counts['composite']! >= 1, JSON.stringify(counts))
    assert.deepEqual(differencesIn(await compareAll(source, marked)), [])

    const versions = join(folder.path, 'versions.duckdb')
    const doubles = await withPresent(
      versions,
      presentOfVersions,
      (name) => `SELECT count(*) - count(DISTINCT _order) FROM kept.${name} WHERE _seq > 0`,
    )
    assert.deepEqual(Object.values(doubles).filter((count) => count !== 0), []) // prettier-ignore
    assert.deepEqual(differencesIn(await compareAll(source, versions)), [])
  })
})

/** Makes views of what is there, under the names of the source; resolves to a number for each table. */
async function withPresent(
  file: string,
  present: (name: string, key: string) => string,
  asked: (name: string) => string,
): Promise<Record<string, number>> {
  const instance = await DuckDBInstance.create(file)
  const connection = await instance.connect()
  const numbers: Record<string, number> = {}
  try {
    await connection.run('CREATE SCHEMA app')
    for (const [name, key] of Object.entries(KEYS)) {
      await connection.run(`CREATE VIEW app.${name} AS ${present(name, key)}`)
      const rows = (await connection.runAndReadAll(asked(name))).getRows()
      numbers[name] = Number(rows[0]![0])
    }
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
  return numbers
}

function presentOfMarked(name: string): string {
  return `SELECT * EXCLUDE (_deleted_at) FROM kept.${name} WHERE _deleted_at IS NULL`
}

/** The query that the page on modes shows. */
function presentOfVersions(name: string, key: string): string {
  return `SELECT * EXCLUDE (_op, _order, _lsn, _seq, _committed_at)
    FROM (SELECT * FROM kept.${name}
          WHERE _op <> 'T'
            AND _order >= (SELECT max(_order) FROM kept.${name} WHERE _op = 'T')
          QUALIFY row_number() OVER (PARTITION BY ${key} ORDER BY _order DESC) = 1)
    WHERE _op <> 'D'`
}

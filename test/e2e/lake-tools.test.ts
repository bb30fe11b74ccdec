/**
 * The tools of the lake on what a task really wrote: killed in between, and with changes of
 * shape.
 */

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'

import { parseMoment } from '../../src/cli/when.ts'
import type { TableId } from '../../src/core/table.ts'
import { tableAsOf } from '../../src/lake/history/as-of.ts'
import type { Moment } from '../../src/lake/history/moment.ts'
import { rowJson } from '../../src/lake/history/row-text.ts'
import { LogReader } from '../../src/lake/log/log-reader.ts'
import { listRegistrations } from '../../src/lake/retention/consumers.ts'
import { Shapes } from '../../src/lake/shapes.ts'
import { FolderStore } from '../../src/storage/folder-store.ts'
import { testDatabase, type TestDatabase } from '../support/postgres.ts'
import { runCli, startCli } from './support/cli.ts'
import { taskFolder } from './support/task-folder.ts'

/** `note` is large and stored out of line, so that the server does not send it again. */
const TABLE = `create schema app;
  create table app.t (id int primary key, x text, note text, amount numeric(30, 10));
  alter table app.t alter column note set storage external;
  insert into app.t select g, 'x' || g, repeat(md5(g::text), 200), g / 7.0 from generate_series(1, 300) g`

const ROUNDS: readonly string[] = [
  `update app.t set x = 'once' where id % 3 = 0`,
  `update app.t set id = id + 1000 where id % 7 = 0; delete from app.t where id % 11 = 0`,
  `insert into app.t values (5000, '', null, 12345678901234567890.0123456789);
   update app.t set id = id + 1000, x = null where id between 1000 and 1100`,
  `alter table app.t add column city text default 'Rome'; update app.t set x = 'twice' where id < 50`,
  `truncate app.t; insert into app.t values (1, 'a "new", start', 'n', 1, 'Oslo')`,
  `insert into app.t select g, 'y', 'z', g, null from generate_series(2, 90) g`,
]

interface Then {
  readonly lsn: string
  readonly time: string
  readonly rows: readonly string[]
}

async function now(source: TestDatabase): Promise<Then> {
  const sql = `select pg_current_wal_insert_lsn()::text as lsn,
    to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as time`
  const [found] = (await source.query(sql)) as unknown as { lsn: string; time: string }[]
  return { ...found!, rows: await rowsOf(source) }
}

/** Each row as its columns' texts, sorted. */
async function rowsOf(source: TestDatabase): Promise<readonly string[]> {
  const rows = await source.query('select t.* from app.t t')
  return sorted(rows)
}

function sorted(rows: readonly Record<string, unknown>[]): readonly string[] {
  const text = (value: unknown): string => {
    if (value === null) return 'null'
    const whole = typeof value === 'string' ? value : JSON.stringify(value)
    return whole.length < 100 ? `'${whole}'` : createHash('md5').update(whole).digest('hex')
  }
  const fields = (row: Record<string, unknown>): string[] =>
    Object.entries(row).map(([name, value]) => `${name}=${text(value)}`)
  return rows.map((row) => fields(row).join(' ')).toSorted()
}

async function asOf(lake: string, moment: Moment): Promise<readonly string[]> {
  const store = new FolderStore(lake)
  const shapes = new Shapes(store)
  const reader = new LogReader({ store, shapes, rollupEvery: 1000 })
  const { shape, rows } = await tableAsOf({ reader, shapes }, 'app.t' as TableId, moment)
  const found: Record<string, unknown>[] = []
  for await (const values of rows) {
    found.push(JSON.parse(rowJson(shape, values)) as Record<string, unknown>)
  }
  return sorted(found)
}

test('after kills the lake is whole, and knows what the table was at each time', async () => {
  await using source = await testDatabase()
  await source.query(TABLE)
  await using folder = await taskFolder(source.url, {
    source: { ddl: 'resync', lookEvery: '100ms' },
  })
  const { config } = folder
  assert.equal((await runCli(['run', '--config', config, '--until-caught-up'])).code, 0)
  const times: Then[] = [await now(source)]
  for (const round of ROUNDS) {
    await using child = startCli(['run', '--config', config])
    await child.line('capture began to stream')
    for (const statement of round.split(';')) if (statement.trim()) await source.query(statement)
    times.push(await now(source))
    await child.end('SIGKILL')
  }
  const last = await runCli(['run', '--config', config, '--until-caught-up'])
  assert.equal(last.code, 0, last.stderr + last.stdout)
  for (const [i, { lsn, time, rows }] of times.entries()) {
    for (const text of [lsn, time]) {
      const moment = parseMoment('--as-of', text, 0)!
      assert.deepEqual(await asOf(folder.lake, moment), rows, `round ${i}, as of ${text}`)
    }
  }
  const [registration] = await listRegistrations(new FolderStore(folder.lake))
  assert.equal(registration?.consumer, 'mill/local')
  const check = await runCli(['lake', 'check', '--config', config])
  const findings = check.stdout.split('\n').filter((line) => /^[A-Z_]+ {2}/.test(line))
  // What a kill leaves behind is found, and is no damage.
  assert.deepEqual(findings.filter((line) => !line.startsWith('FILE_UNNAMED')), []) // prettier-ignore
  assert.equal(check.code, findings.length > 0 ? 3 : 0, check.stdout)
})

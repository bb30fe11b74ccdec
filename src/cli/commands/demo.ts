/**
 * `demo`: everything at once, on this machine alone.
 *
 *   embedded PostgreSQL with a shop under load ─► lake ─► DuckDB, and the dashboard
 *
 * The lake is a folder, or a bucket of an S3 server that is started for it.
 *
 * With `--seconds` it proves itself: it stops the load, lets the target catch up, compares every row
 * of every table, and says how many differ.
 */

import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'

import pg from 'pg'

import { loadConfig } from '../../config/load.ts'
import { fail } from '../../core/errors.ts'
import { compareTables, countDifferences, type TableComparison } from '../../demo/compare.ts'
import { demoLakes, demoTargets, writeDemoConfig } from '../../demo/config-file.ts'
import { embeddedDataDir, startEmbeddedPostgres } from '../../demo/embedded-server.ts'
import { startDemoBucket, type DemoBucket } from '../../demo/s3-server.ts'
import { SHOP_TABLES } from '../../demo/shop-schema.ts'
import { createShop, hasShop } from '../../demo/shop.ts'
import { runWorkload } from '../../demo/workload.ts'
import { connect } from '../../postgres/connect.ts'
import { systemClock } from '../../system-clock.ts'
import { command, type CommandContext, type ExitCode } from '../command.ts'
import { formatCount } from '../format.ts'
import { openSession, type TaskSession } from '../run-task.ts'

export const demoCommand = command({
  name: 'demo',
  summary: 'Try it: a shop under load, a lake, a warehouse, the dashboard',
  details:
    'Starts a PostgreSQL of its own in ./millrace-demo and replicates it into a lake and a DuckDB ' +
    'file there, or with `--target postgres` into another database. With `--lake s3` the lake is a ' +
    'bucket of an S3 server, which is started too. Run again, it goes on where it was. With --seconds it ends by itself, compares source and warehouse row by row, and ends ' +
    'with 1 if they differ.',
  flags: {
    seconds: {
      kind: 'count',
      value: 'n',
      about: 'stop the load after n seconds, catch up, compare, end',
      default: null,
    },
    fresh: { kind: 'switch', about: 'begin with an empty folder' },
    dir: {
      kind: 'text',
      value: 'folder',
      about: 'where all of it is kept',
      default: 'millrace-demo',
    },
    rate: { kind: 'count', value: 'n', about: 'changed rows a second', default: 300 },
    port: { kind: 'count', value: 'n', about: 'port of the dashboard; 0 is any', default: 7070 },
    target: {
      kind: 'text',
      value: 'type',
      about: 'the warehouse: duckdb or postgres',
      default: 'duckdb',
    },
    lake: {
      kind: 'text',
      value: 'place',
      about: 'where the lake is: folder or s3',
      default: 'folder',
    },
  },
  arguments: {},

  async run({ seconds, fresh, dir, rate, port, target, lake }, context) {
    const type = oneOf(demoTargets, '--target', target)
    const place = oneOf(demoLakes, '--lake', lake)
    const folder = resolve(dir)
    const dataDir = join(folder, 'postgres')
    const { stdout } = context
    if (fresh) {
      await rm(await embeddedDataDir(dataDir), { recursive: true, force: true })
      await rm(folder, { recursive: true, force: true })
    }
    requireSameLake(folder, place)
    await using bucket = place === 's3' ? await openBucket(folder) : null
    stdout.write(`starting PostgreSQL in ${shown(folder)}\n`)
    await using server = await startEmbeddedPostgres({ dataDir })
    await fillShop(server.url, stdout)
    const warehouseUrl = type === 'postgres' ? await makeWarehouse(server.url) : null
    const demo = { sourceUrl: server.url, warehouseUrl, bucket }
    const file = await writeDemoConfig({ folder, port, ...demo })
    // Awaited here, or the server would be stopped at once.
    return await runDemo({ file, seconds, rate, ...demo }, context)
  },
})

function oneOf<T extends string>(list: readonly T[], flag: string, given: string): T {
  const found = list.find((one) => one === given)
  return found ?? fail('USAGE', `${flag} ${given}: the demo has ${list.join(' and ')}`)
}

/** The slot goes on from where one lake is, and not from where another one is. */
function requireSameLake(folder: string, wanted: (typeof demoLakes)[number]): void {
  const other = wanted === 's3' ? 'lake' : 's3'
  if (!existsSync(join(folder, other))) return
  fail('USAGE', `the demo in ${shown(folder)} has its lake in ${shown(join(folder, other))}`, {
    hint: 'add --fresh to begin again, or --dir for another demo',
  })
}

/** The lake of this process gets its credentials as every AWS program does. */
async function openBucket(folder: string): Promise<DemoBucket> {
  const bucket = await startDemoBucket(join(folder, 's3'))
  for (const name of ['AWS_PROFILE', 'AWS_SESSION_TOKEN']) delete process.env[name]
  process.env['AWS_ACCESS_KEY_ID'] = bucket.keyId
  process.env['AWS_SECRET_ACCESS_KEY'] = bucket.secret
  return bucket
}

interface Demo {
  readonly file: string
  readonly sourceUrl: string
  /** `null` for a file. */
  readonly warehouseUrl: string | null
  /** `null` for a folder. */
  readonly bucket: DemoBucket | null
  readonly seconds: number | null
  readonly rate: number
}

/** Another database of the same server. Resolves to its url. */
async function makeWarehouse(serverUrl: string): Promise<string> {
  const client = await connect({ url: serverUrl, applicationName: 'millrace demo: warehouse' })
  try {
    const { rowCount } = await client.query(`select from pg_database where datname = 'warehouse'`)
    if (rowCount === 0) await client.query('create database warehouse')
  } finally {
    await client.end()
  }
  const url = new URL(serverUrl)
  url.pathname = '/warehouse'
  return url.href
}

async function fillShop(url: string, stdout: NodeJS.WritableStream): Promise<void> {
  const client = await connect({ url, applicationName: 'millrace demo: shop' })
  try {
    if (await hasShop(client)) return
    stdout.write('filling the shop\n')
    await createShop(client)
  } finally {
    await client.end()
  }
}

async function runDemo(demo: Demo, context: CommandContext): Promise<ExitCode> {
  const { config } = loadConfig(demo.file, context.env)
  await using session = await openSession(config, context)
  session.print(`dashboard: ${session.url}\n${thingsToTry(demo)}`)
  const load = new AbortController()
  const working = work(demo, load.signal)
  const ending = demo.seconds === null ? null : endAfter(demo.seconds, { session, load, working })
  const broken = new AbortController()
  // Without the load, or the way to an end, there is nothing to show.
  for (const part of [working, ending]) part?.catch(() => broken.abort())
  const stop = (): void => load.abort()
  context.signal.addEventListener('abort', stop, { once: true })
  try {
    const isGood = await session.task.run(AbortSignal.any([context.signal, broken.signal]))
    session.settle()
    if (!isGood) return 1
    if (context.signal.aborted) return 0
    await (ending ?? working)
    return await compare(demo.sourceUrl, session)
  } finally {
    load.abort()
    await Promise.allSettled([working, ending])
  }
}

/** Keeps the shop busy; when the source goes away, so does the load. */
async function work({ sourceUrl, rate }: Demo, signal: AbortSignal): Promise<void> {
  const pool = new pg.Pool({ connectionString: sourceUrl, max: 4 })
  pool.on('error', () => {})
  try {
    await runWorkload(pool, { signal, ratePerSecond: rate })
  } finally {
    await pool.end()
  }
}

interface Running {
  readonly session: TaskSession
  readonly load: AbortController
  readonly working: Promise<void>
}

async function endAfter(seconds: number, { session, load, working }: Running): Promise<void> {
  await systemClock.sleep(seconds * 1000, load.signal)
  if (load.signal.aborted) return
  load.abort()
  await working
  await session.task.endWhenCaughtUp()
}

async function compare(sourceUrl: string, session: TaskSession): Promise<ExitCode> {
  const [target] = session.task.targets.values()
  const source = await connect({ url: sourceUrl, applicationName: 'millrace demo: compare' })
  try {
    const query = async (sql: string): Promise<unknown[][]> => {
      return (await target!.query(sql)).map((row) => Object.values(row))
    }
    const results = await compareTables(source, query, SHOP_TABLES)
    const differences = countDifferences(results)
    session.print(describe(results))
    return differences === 0 ? 0 : 1
  } finally {
    await source.end()
  }
}

function describe(results: readonly TableComparison[]): string {
  const differing = results.flatMap(({ table, keys }) =>
    keys.map(({ kind, key, columns }) => `  ${table} ${key}: ${[kind, ...columns].join(' ')}`),
  )
  let rows = 0
  for (const result of results) rows += result.rows
  const counts = `${results.length} tables, ${formatCount(rows)} rows`
  const sum = `demo: ${counts}, ${formatCount(countDifferences(results))} differences`
  return `${[...differing, sum].join('\n')}\n`
}

const QUERY = '"SELECT status, count(*) FROM app.orders GROUP BY 1"'

function thingsToTry({ file, warehouseUrl, bucket }: Demo): string {
  const config = shown(file)
  const asking =
    warehouseUrl === null
      ? [
          'and once this has ended, since DuckDB lets one process at a time open its file:',
          `  node examples/query.mjs ${shown(join(file, '../warehouse.duckdb'))} ${QUERY}`,
        ]
      : [`  psql "$(cat ${shown(join(file, '../warehouse-url'))})" -c ${QUERY}`]
  return [
    'things to try in another terminal:',
    `  npx millrace status --config ${config}`,
    ...(bucket ? [`  export AWS_SHARED_CREDENTIALS_FILE=${shown(bucket.credentialsFile)}`] : []),
    `  npx millrace lake ls --config ${config}`,
    ...asking,
    '',
  ].join('\n')
}

/** As one would type it here. */
function shown(path: string): string {
  const short = relative(process.cwd(), path)
  const text = short.startsWith('..') ? path : short
  return text.includes(' ') ? `'${text}'` : text
}

/**
 * The ledger inside the database that it speaks of: three tables in the schema `_millrace`.
 *
 * Each is keyed by (lake, consumer), so any number of consumers, of any number of lakes, may share a
 * file. There is no index: they have a row for each table at most.
 */

import { CodedError, fail, type ErrorCode } from '../../core/errors.ts'
import type { Ledger, Straggler, StragglerLoad, StragglerState } from '../../core/ledger.ts'
import { formatLsn, parseLsn } from '../../core/lsn.ts'
import type { TableId } from '../../core/table.ts'
import type { LedgerChange } from '../../core/target.ts'
import type { Connection, JsonValue, Row } from './driver.ts'
import { identifier, literal, OWN_SCHEMA } from './names.ts'

export interface LedgerKey {
  readonly lakeId: string
  /** `task/target`. */
  readonly consumer: string
}

type Read = (sql: string) => Promise<Row[]>

const SCHEMA = identifier(OWN_SCHEMA)

const TABLES = [
  `CREATE SCHEMA IF NOT EXISTS ${SCHEMA}`,
  `CREATE TABLE IF NOT EXISTS ${SCHEMA}.ledger
    (lake VARCHAR, consumer VARCHAR, n BIGINT, epoch BIGINT, v BIGINT)`,
  `CREATE TABLE IF NOT EXISTS ${SCHEMA}.stragglers
    (lake VARCHAR, consumer VARCHAR, table_id VARCHAR, state VARCHAR, is_passed BOOLEAN,
     load VARCHAR, load_lsn VARCHAR, load_epoch BIGINT, load_since BIGINT, load_began_at BIGINT,
     load_ended_at BIGINT, parts_done BIGINT, n BIGINT, shape VARCHAR, error_code VARCHAR,
     error_message VARCHAR)`,
  `CREATE TABLE IF NOT EXISTS ${SCHEMA}.tables
    (lake VARCHAR, consumer VARCHAR, table_id VARCHAR, shape VARCHAR)`,
]

export async function prepareLedger(connection: Connection, key: LedgerKey): Promise<void> {
  for (const sql of TABLES) await connection.run(sql)
  const [foreign] = await connection.rows(
    `SELECT lake FROM ${SCHEMA}.ledger
     WHERE consumer = ${literal(key.consumer)} AND lake <> ${literal(key.lakeId)}`,
  )
  if (foreign === undefined) return
  throw new CodedError(
    'LEDGER_FOREIGN',
    `the ledger of ${key.consumer} in this file belongs to the lake ${textOf(foreign['lake'])}, not to ${key.lakeId}`,
  )
}

/** Resolves to `null` if there is none. One statement, so that the three tables are of one moment. */
export async function readLedger(read: Read, key: LedgerKey): Promise<Ledger | null> {
  const [row] = await read(
    `SELECT n, epoch, v,
       (SELECT list(s) FROM ${SCHEMA}.stragglers s WHERE ${isOurs(key)}) AS stragglers,
       (SELECT list(t) FROM ${SCHEMA}.tables t WHERE ${isOurs(key)}) AS tables
     FROM ${SCHEMA}.ledger WHERE ${isOurs(key)}`,
  )
  if (row === undefined) return null
  const stragglers = listOf(row['stragglers']).map((s) => [tableOf(s), toStraggler(s)] as const)
  const tables = listOf(row['tables']).map((t) => [tableOf(t), textOf(t['shape'])] as const)
  return {
    n: numberOf(row['n']),
    epoch: numberOf(row['epoch']),
    v: numberOf(row['v']),
    stragglers: new Map(stragglers),
    tables: new Map(tables),
  }
}

export async function writeLedger(
  connection: Connection,
  key: LedgerKey,
  { main, stragglers, tables }: LedgerChange,
): Promise<void> {
  if (main !== null) {
    await connection.run(`DELETE FROM ${SCHEMA}.ledger WHERE ${isOurs(key)}`)
    await insert(connection, 'ledger', [...keyOf(key), main.n, main.epoch, main.v])
  }
  for (const [table, straggler] of stragglers) {
    await remove(connection, 'stragglers', { key, table })
    if (straggler === null) continue
    await insert(connection, 'stragglers', [...keyOf(key), table, ...fieldsOf(straggler)])
  }
  for (const [table, shape] of tables) {
    await remove(connection, 'tables', { key, table })
    if (shape !== null) await insert(connection, 'tables', [...keyOf(key), table, shape])
  }
}

type Value = string | number | boolean | null

function keyOf({ lakeId, consumer }: LedgerKey): Value[] {
  return [lakeId, consumer]
}

function isOurs({ lakeId, consumer }: LedgerKey): string {
  return `lake = ${literal(lakeId)} AND consumer = ${literal(consumer)}`
}

async function remove(
  connection: Connection,
  name: string,
  { key, table }: { key: LedgerKey; table: TableId },
): Promise<void> {
  const isTable = `${isOurs(key)} AND table_id = ${literal(table)}`
  await connection.run(`DELETE FROM ${SCHEMA}.${name} WHERE ${isTable}`)
}

async function insert(connection: Connection, name: string, values: Value[]): Promise<void> {
  const literals = values.map((value) =>
    typeof value === 'string' ? literal(value) : String(value ?? 'NULL'),
  )
  await connection.run(`INSERT INTO ${SCHEMA}.${name} VALUES (${literals.join(', ')})`)
}

/** In the order of the columns. */
function fieldsOf({ state, isPassed, load, partsDone, n, shape, error }: Straggler): Value[] {
  const { lsn, epoch = null, since = null, beganAt = null, endedAt = null } = load ?? {}
  return [
    state,
    isPassed,
    load?.load ?? null,
    lsn === undefined ? null : formatLsn(lsn),
    epoch,
    since,
    beganAt,
    endedAt,
    partsDone,
    n,
    shape,
    error?.code ?? null,
    error?.message ?? null,
  ]
}

function toStraggler(row: Row): Straggler {
  return {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only `fieldsOf` writes here
    state: textOf(row['state']) as StragglerState,
    isPassed: row['is_passed'] === true,
    load: row['load'] === null ? null : toLoad(row),
    partsDone: numberOf(row['parts_done']),
    n: row['n'] === null ? null : numberOf(row['n']),
    shape: row['shape'] === null ? null : textOf(row['shape']),
    error:
      row['error_code'] === null
        ? null
        : {
            // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as above
            code: textOf(row['error_code']) as ErrorCode,
            message: textOf(row['error_message']),
          },
  }
}

function toLoad(row: Row): StragglerLoad {
  return {
    load: textOf(row['load']),
    lsn: parseLsn(textOf(row['load_lsn'])),
    epoch: numberOf(row['load_epoch']),
    since: numberOf(row['load_since']),
    beganAt: numberOf(row['load_began_at']),
    endedAt: row['load_ended_at'] === null ? null : numberOf(row['load_ended_at']),
  }
}

function tableOf(row: Row): TableId {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only `writeLedger` writes here
  return textOf(row['table_id']) as TableId
}

function listOf(value: JsonValue | undefined): Row[] {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a list of structs, or NULL
  return (value ?? []) as Row[]
}

function textOf(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : damaged()
}

/** 64-bit integers come as text. */
function numberOf(value: JsonValue | undefined): number {
  return typeof value === 'string' || typeof value === 'number' ? Number(value) : damaged()
}

function damaged(): never {
  return fail('TARGET_FAILED', `a row of ${OWN_SCHEMA} is not what was written`)
}

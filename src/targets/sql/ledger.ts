/**
 * The ledger inside the database that it speaks of: three tables in a schema of their own.
 *
 * Each is keyed by (lake, consumer), so any number of consumers, of any number of lakes, may share a
 * database. The SQL is what every database has; only the names of types and the wish for keys differ.
 * Whoever writes makes sure that nobody else can between the compare and the commit.
 */

import { CodedError, fail, type ErrorCode } from '../../core/errors.ts'
import type { Ledger, Straggler, StragglerLoad, StragglerState } from '../../core/ledger.ts'
import { formatLsn, parseLsn } from '../../core/lsn.ts'
import type { TableId } from '../../core/table.ts'
import type { LedgerChange } from '../../core/target.ts'
import { identifier, literal } from './names.ts'
import type { SqlRow, SqlSession } from './session.ts'

export interface LedgerKey {
  readonly lakeId: string
  /** `task/target`. */
  readonly consumer: string
}

/** Whose ledger, and in which schema. */
export interface LedgerPlace extends LedgerKey {
  readonly schema: string
  readonly dialect?: LedgerDialect
}

/** What is another thing in a database that is not like most. */
export interface LedgerDialect {
  /** Added to the names of the tables, which are those of one consumer then. */
  readonly suffix: string
  /** A type for texts of any length. */
  readonly text: string
  readonly literal: (text: string) => string
}

type Reader = Pick<SqlSession, 'rows'>
type Writer = Pick<SqlSession, 'run'>

/** The columns of each table after lake and consumer, and those of its key. */
const TABLES = {
  ledger: { columns: ['n BIGINT', 'epoch BIGINT', 'v BIGINT'], key: [] },
  stragglers: {
    columns: [
      'table_id VARCHAR', 'state VARCHAR', 'is_passed BOOLEAN', 'load VARCHAR', 'load_lsn VARCHAR',
      'load_epoch BIGINT', 'load_since BIGINT', 'load_began_at BIGINT', 'load_ended_at BIGINT',
      'parts_done BIGINT', 'n BIGINT', 'shape VARCHAR', 'error_code VARCHAR',
      'error_message VARCHAR',
    ], // prettier-ignore
    key: ['table_id'],
  },
  tables: { columns: ['table_id VARCHAR', 'shape VARCHAR'], key: ['table_id'] },
} as const

type TableOfLedger = keyof typeof TABLES

/** The statements that make the tables where there are none. `hasKeys`: with primary keys. */
export function ledgerTables(
  place: Pick<LedgerPlace, 'schema' | 'dialect'>,
  { hasKeys }: { hasKeys: boolean },
): string[] {
  return namesOfTables().map((name) => {
    const { columns, key } = TABLES[name]
    const primary = hasKeys ? `, PRIMARY KEY (${['lake', 'consumer', ...key].join(', ')})` : ''
    const all = ['lake VARCHAR', 'consumer VARCHAR', ...columns].map((one) => typed(place, one))
    return `CREATE TABLE IF NOT EXISTS ${tableOf(place, name)} (${all.join(', ')}${primary})`
  })
}

function namesOfTables(): TableOfLedger[] {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- its keys are these
  return Object.keys(TABLES) as TableOfLedger[]
}

function typed({ dialect }: Pick<LedgerPlace, 'dialect'>, column: string): string {
  return dialect === undefined ? column : column.replace(/\bVARCHAR$/, dialect.text)
}

/** Fails if the consumer has a ledger of another lake. */
export async function requireOwnLedger(session: Reader, place: LedgerPlace): Promise<void> {
  const { consumer, lakeId } = place
  const [foreign] = await session.rows(
    `SELECT lake FROM ${tableOf(place, 'ledger')}
     WHERE consumer = ${quoted(place, consumer)} AND lake <> ${quoted(place, lakeId)}`,
  )
  if (foreign === undefined) return
  throw new CodedError(
    'LEDGER_FOREIGN',
    `the ledger of ${consumer} in this target belongs to the lake ${textOf(foreign['lake'])}, not to ${lakeId}`,
  )
}

/** Resolves to `null` if there is none. One statement, so that the three tables are of one moment. */
export async function readLedger(session: Reader, place: LedgerPlace): Promise<Ledger | null> {
  const rows = await session.rows(readSql(place))
  const of = (kind: TableOfLedger): SqlRow[] => rows.filter((row) => row['kind'] === kind)
  const [main] = of('ledger')
  if (main === undefined) return null
  return {
    n: numberOf(main['n']),
    epoch: numberOf(main['epoch']),
    v: numberOf(main['v']),
    stragglers: new Map(of('stragglers').map((row) => [idOf(row), toStraggler(row)])),
    tables: new Map(of('tables').map((row) => [idOf(row), textOf(row['shape'])])),
  }
}

/** All columns that any of the tables has, by name and type. */
const ALL = new Map(
  [...TABLES.ledger.columns, ...TABLES.stragglers.columns].map((column) => {
    const [name, type] = column.split(' ')
    return [name!, type!]
  }),
)

function readSql(place: LedgerPlace): string {
  const selects = namesOfTables().map((name) => {
    const own = new Set(TABLES[name].columns.map((column) => column.split(' ', 1)[0]))
    const fields = [...ALL].map(([column, type]) =>
      own.has(column) ? column : `CAST(NULL AS ${typed(place, type)}) AS ${column}`,
    )
    return `SELECT CAST('${name}' AS VARCHAR) AS kind, ${fields.join(', ')}
      FROM ${tableOf(place, name)} WHERE ${isOurs(place)}`
  })
  return selects.join(' UNION ALL ')
}

export async function writeLedger(
  session: Writer,
  place: LedgerPlace,
  { main, stragglers, tables }: LedgerChange,
): Promise<void> {
  if (main !== null) {
    await session.run(`DELETE FROM ${tableOf(place, 'ledger')} WHERE ${isOurs(place)}`)
    await insert(session, place, { name: 'ledger', values: [main.n, main.epoch, main.v] })
  }
  for (const [table, row] of stragglers) {
    await remove(session, place, { name: 'stragglers', table })
    if (row === null) continue
    await insert(session, place, { name: 'stragglers', values: [table, ...fieldsOf(row)] })
  }
  for (const [table, shape] of tables) {
    await remove(session, place, { name: 'tables', table })
    if (shape !== null) await insert(session, place, { name: 'tables', values: [table, shape] })
  }
}

type Value = string | number | boolean | null

function tableOf(
  { schema, dialect }: Pick<LedgerPlace, 'schema' | 'dialect'>,
  name: TableOfLedger,
): string {
  return `${identifier(schema)}.${name}${dialect?.suffix ?? ''}`
}

function quoted({ dialect }: LedgerPlace, text: string): string {
  return (dialect?.literal ?? literal)(text)
}

function isOurs(place: LedgerPlace): string {
  const { lakeId, consumer } = place
  return `lake = ${quoted(place, lakeId)} AND consumer = ${quoted(place, consumer)}`
}

async function remove(
  session: Writer,
  place: LedgerPlace,
  { name, table }: { name: TableOfLedger; table: TableId },
): Promise<void> {
  const isTable = `${isOurs(place)} AND table_id = ${quoted(place, table)}`
  await session.run(`DELETE FROM ${tableOf(place, name)} WHERE ${isTable}`)
}

async function insert(
  session: Writer,
  place: LedgerPlace,
  { name, values }: { name: TableOfLedger; values: Value[] },
): Promise<void> {
  const literals = [place.lakeId, place.consumer, ...values].map((value) =>
    typeof value === 'string' ? quoted(place, value) : String(value ?? 'NULL'),
  )
  await session.run(`INSERT INTO ${tableOf(place, name)} VALUES (${literals.join(', ')})`)
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
    // No database takes a NUL in a text.
    error?.message.replaceAll('\0', '') ?? null,
  ]
}

function toStraggler(row: SqlRow): Straggler {
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

function toLoad(row: SqlRow): StragglerLoad {
  return {
    load: textOf(row['load']),
    lsn: parseLsn(textOf(row['load_lsn'])),
    epoch: numberOf(row['load_epoch']),
    since: numberOf(row['load_since']),
    beganAt: numberOf(row['load_began_at']),
    endedAt: row['load_ended_at'] === null ? null : numberOf(row['load_ended_at']),
  }
}

function idOf(row: SqlRow): TableId {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only `writeLedger` writes here
  return textOf(row['table_id']) as TableId
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : damaged()
}

/** 64-bit integers come as text. */
function numberOf(value: unknown): number {
  return typeof value === 'string' || typeof value === 'number' ? Number(value) : damaged()
}

function damaged(): never {
  return fail('TARGET_FAILED', 'a row of the ledger is not what was written')
}

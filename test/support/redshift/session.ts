/**
 * One session: its transaction, its settings, and how each statement is run on the backend.
 *
 * Where Redshift locks the whole table for a writer, the backend is asked for such a lock; where it
 * takes the snapshot late, the backend is asked to. So waiting, staleness and conflicts are real.
 */

import type pg from 'pg'

import { AS_TEXT, type Backend } from './backend.ts'
import { checkColumn, checkLiterals } from './column-check.ts'
import { copyLoad, type Bucket } from './copy-load.ts'
import type { Faults } from './faults.ts'
import { isWord, splitStatements, tokenize, type Token } from './lexer.ts'
import { longName } from './long-names.ts'
import { parse } from './parse.ts'
import { done, type LogEntry, type Result } from './result.ts'
import { refuse, SqlError, translated, unknown } from './sql-error.ts'
import type { LateView, Statement, StatementKind } from './statement.ts'
import { qualified } from './tokens.ts'

export interface SessionParts {
  readonly id: number
  readonly client: pg.Client
  readonly backend: Backend
  readonly bucket: Bucket
  readonly faults: Faults
  readonly log: LogEntry[]
  /** Late-binding ones, by their qualified names. */
  readonly views: Map<string, readonly Token[]>
}

/** In a message with others, a statement cannot do what it may do alone. */
type Place = 'alone' | 'in batch'

const MAX_STATEMENT_BYTES = 16 * 1024 * 1024
const MAY_BIND: ReadonlySet<string> = new Set(['select', 'with', 'insert', 'update', 'delete'])

export class Session {
  readonly #parts: SessionParts
  readonly #settings = new Map<string, string>()
  #state: 'idle' | 'open' | 'failed' = 'idle'
  #hasSnapshot = false
  #lastCopyCount = 0

  constructor(parts: SessionParts) {
    this.#parts = parts
  }

  /** `I`, `T` or `E`, for ReadyForQuery. */
  get status(): string {
    return { idle: 'I', open: 'T', failed: 'E' }[this.#state]
  }

  /** Everything of one message, as one transaction if it is none already. */
  async batch(sql: string, emit: (result: Result) => void): Promise<void> {
    const statements = this.#split(sql)
    const isImplicit =
      statements.length > 1 &&
      this.#state === 'idle' &&
      !isWord(statements[0]![0], 'begin', 'start')
    const place: Place = statements.length > 1 ? 'in batch' : 'alone'
    if (isImplicit) await this.#begin()
    try {
      for (const statement of statements) {
        if (isImplicit && isWord(statement[0], 'begin', 'start', 'commit', 'end', 'rollback')) {
          unknown('the end of a transaction within an implicit one')
        }
        emit(await this.#one(sql, statement, { place, values: null }))
      }
      if (isImplicit) await this.#end('COMMIT')
    } catch (error) {
      if (isImplicit) await this.#end('ROLLBACK')
      throw error
    }
  }

  /** One statement with its parameters, of the extended protocol. */
  async bound(sql: string, values: readonly (string | null)[]): Promise<Result> {
    const [statement, ...others] = this.#split(sql)
    if (statement === undefined) return { fields: null, rows: [], tag: '' }
    if (others.length > 0) {
      throw new SqlError('cannot insert multiple commands into a prepared statement', {
        code: '42601',
      })
    }
    return this.#one(sql, statement, { place: 'alone', values })
  }

  #split(sql: string): Token[][] {
    if (Buffer.byteLength(sql) > MAX_STATEMENT_BYTES) {
      throw new SqlError('Statement is too large', { code: '54001' })
    }
    try {
      return splitStatements(tokenize(sql, { isCaseSensitive: this.#isCaseSensitive }))
    } catch (error) {
      this.#parts.log.push({ session: this.#parts.id, sql, error: messageOf(error) })
      this.#fail()
      throw error
    }
  }

  get #isCaseSensitive(): boolean {
    return ['true', 'on', '1'].includes(
      this.#settings.get('enable_case_sensitive_identifier') ?? '',
    )
  }

  async #one(
    message: string,
    tokens: readonly Token[],
    { place, values }: { place: Place; values: readonly (string | null)[] | null },
  ): Promise<Result> {
    const { faults, log, id, backend, views } = this.#parts
    const sql = message.slice(tokens[0]!.start, tokens.at(-1)!.end)
    const entry: LogEntry = { session: id, sql, error: null }
    log.push(entry)
    try {
      this.#mayRun(tokens[0]!)
      const mayBind = values !== null && MAY_BIND.has(tokens[0]!.text)
      if (values !== null && values.length > 0 && !mayBind) {
        refuse('wire.binds', 'bind parameters are not supported here')
      }
      const statement = parse(tokens, { lastCopyCount: this.#lastCopyCount, mayBind, views })
      this.#mayStandHere(statement, place)
      await faults.reach('before', statement.kind, sql)
      const result = await this.#run(statement, values ?? [])
      await faults.reach('after', statement.kind, sql)
      return result
    } catch (error) {
      const known = translated(error, backend.isolation)
      entry.error = messageOf(known)
      if (isWord(tokens[0], 'commit', 'end') && this.#state !== 'idle') await this.#end('ROLLBACK')
      this.#fail()
      throw known
    }
  }

  #mayRun(first: Token): void {
    if (this.#state !== 'failed' || isWord(first, 'commit', 'end', 'rollback', 'abort')) return
    throw new SqlError(
      'current transaction is aborted, commands ignored until end of transaction block',
      { code: '25P02', hint: 'behaviour tx.failed' },
    )
  }

  #mayStandHere({ kind, outside }: Statement, place: Place): void {
    const isInside = this.#state === 'open' || place === 'in batch'
    if (outside !== undefined && isInside) {
      const ofAlter = outside.includes('APPEND') ? 'ddl.append' : 'ddl.type-in-block'
      refuse(kind === 'vacuum' ? 'tx.vacuum' : ofAlter, outside, '25001')
    }
    if (kind === 'lock' && place === 'in batch') {
      refuse('tx.lock-alone', 'LOCK among other statements of one message does not protect')
    }
  }

  async #run(statement: Statement, values: readonly (string | null)[]): Promise<Result> {
    const { kind } = statement
    if (kind === 'begin') return this.#explicitBegin()
    if (kind === 'commit' || kind === 'rollback') return this.#finish(kind)
    if (kind === 'set' || kind === 'show') return this.#setting(statement)
    if (kind === 'vacuum' || kind === 'analyze') return done(kind.toUpperCase())
    if (kind === 'lock') return this.#lock(statement)
    if (kind === 'select') return this.#select(statement, values)
    if (statement.lateView) return this.#lateView(statement.lateView, kind)
    const result = await this.#write(statement, values)
    if (kind === 'truncate' && this.#state === 'open') await this.#end('COMMIT')
    return result
  }

  /** It is no part of the transaction: a rollback leaves it. */
  #lateView({ name, query }: LateView, kind: StatementKind): Result {
    if (query === null) this.#parts.views.delete(name)
    else this.#parts.views.set(name, query)
    return done(kind.toUpperCase())
  }

  async #explicitBegin(): Promise<Result> {
    if (this.#state === 'idle') await this.#begin()
    return done('BEGIN')
  }

  async #lock({ sql }: Statement): Promise<Result> {
    if (this.#state === 'idle') {
      throw new SqlError('LOCK TABLE can only be used in transaction blocks', { code: '25P01' })
    }
    await this.#sql(sql[0]!)
    return done('LOCK TABLE')
  }

  async #select(statement: Statement, values: readonly (string | null)[]): Promise<Result> {
    // On another connection, or the backend would take the snapshot of this one's transaction.
    const isApart = statement.isBare === true && this.#state === 'open' && !this.#hasSnapshot
    const sql = statement.sql[0]!
    const { backend } = this.#parts
    const { fields, rows } =
      isApart && values.length === 0 ? await backend.query(sql) : await this.#sql(sql, values)
    this.#hasSnapshot ||= !isApart
    const shown = statement.isCatalog ? rows.map((row) => row.map(shownName)) : rows
    return { fields, rows: shown, tag: `SELECT ${rows.length}` }
  }

  /** What changes something: in the open transaction, or in one of its own. */
  async #write(statement: Statement, values: readonly (string | null)[]): Promise<Result> {
    await this.#parts.backend.ensure(statement.types ?? [])
    const isOwn = this.#state === 'idle'
    if (isOwn) await this.#begin()
    try {
      const result = await this.#written(statement, values)
      if (isOwn) await this.#end('COMMIT')
      return result
    } catch (error) {
      if (isOwn) await this.#end('ROLLBACK')
      throw error
    }
  }

  async #written(statement: Statement, values: readonly (string | null)[]): Promise<Result> {
    const { client, backend, bucket } = this.#parts
    if (!this.#hasSnapshot) await this.#sql('SELECT 1')
    this.#hasSnapshot = true
    if (statement.writes) {
      await this.#sql(`LOCK TABLE ${qualified(statement.writes)} IN SHARE ROW EXCLUSIVE MODE`)
    }
    if (statement.copy) {
      this.#lastCopyCount = 0
      this.#lastCopyCount = await copyLoad(client, statement.copy, { backend, bucket })
      return done('COPY')
    }
    if (statement.check) await checkColumn(client, statement.check)
    if (statement.insert) await checkLiterals(client, statement.insert)
    let count: number | null = null
    for (const sql of statement.sql) {
      const { rowCount } = await this.#sql(sql, values)
      count ??= rowCount ?? 0
    }
    const rest = statement.kind === 'insert' ? ` 0 ${count ?? 0}` : ` ${count ?? 0}`
    const isCounted = ['insert', 'update', 'delete'].includes(statement.kind)
    return done(`${statement.kind.toUpperCase()}${isCounted ? rest : ''}`)
  }

  async #begin(): Promise<void> {
    await this.#sql(`BEGIN ISOLATION LEVEL ${this.#parts.backend.isolationLevel}`)
    this.#state = 'open'
    this.#hasSnapshot = false
  }

  async #finish(kind: 'commit' | 'rollback'): Promise<Result> {
    if (this.#state === 'idle') return done(kind.toUpperCase())
    const how = kind === 'commit' && this.#state === 'open' ? 'COMMIT' : 'ROLLBACK'
    await this.#end(how)
    return done(how)
  }

  async #end(how: 'COMMIT' | 'ROLLBACK'): Promise<void> {
    this.#state = 'idle'
    await this.#sql(how)
  }

  #fail(): void {
    if (this.#state === 'open') this.#state = 'failed'
  }

  async #setting({ kind, setting, sql }: Statement): Promise<Result> {
    const { name, value } = setting!
    if (kind === 'set') {
      for (const one of sql) await this.#sql(one)
      this.#settings.set(name, value)
      return done('SET')
    }
    const shown = this.#settings.get(name)
    if (shown === undefined) return unknown(`the setting ${name}`)
    const { fields } = await this.#parts.backend.query(`SELECT '' AS "${name}"`)
    return { fields, rows: [[shown]], tag: 'SHOW' }
  }

  #sql(
    text: string,
    values: readonly (string | null)[] = [],
  ): Promise<pg.QueryResult<(string | null)[]>> {
    return this.#parts.client.query<(string | null)[]>({ text, values: [...values], ...AS_TEXT })
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function shownName(value: string | null): string | null {
  return value === null ? null : longName(value)
}

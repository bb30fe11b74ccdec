/**
 * The border to DuckDB: the only file that loads its package, and the only one that sees its errors.
 *
 * `@duckdb/node-api` is an optional peer of 69 MB, loaded when the first database is opened. Its
 * errors have no codes: the kind stands at the beginning of the message ("Conversion Error: …") and
 * what follows may quote values of rows. So a failure is sorted by its kind once, here, and the text
 * goes on only where it can hold no value.
 */

import type * as Package from '@duckdb/node-api'

import { CodedError, fail } from '../../core/errors.ts'

export type JsonValue =
  | null
  | boolean
  | number
  | string
  | JsonValue[]
  | { readonly [key: string]: JsonValue }

/** One row by the names of its columns. 64-bit integers, decimals, dates and times are text. */
export type Row = Readonly<Record<string, JsonValue>>

export interface InstanceOptions {
  readonly memoryLimit: string
  readonly threads: number | null
}

/** One open database file, which this process holds locked. */
export class Instance {
  readonly #instance: Package.DuckDBInstance

  private constructor(instance: Package.DuckDBInstance) {
    this.#instance = instance
  }

  static async open(path: string, { memoryLimit, threads }: InstanceOptions): Promise<Instance> {
    const { DuckDBInstance: Native } = await loadPackage()
    const options: Record<string, string> = {
      memory_limit: memoryLimit,
      // Insertion order means nothing here, and keeping it costs memory in large inserts.
      preserve_insertion_order: 'false',
      // A checkpoint after each 16 MiB would cost more than the commits; replaying this takes a second.
      checkpoint_threshold: '128MiB',
    }
    if (threads !== null) options['threads'] = String(threads)
    try {
      const instance = new Instance(await Native.create(path, options))
      const connection = await instance.connect()
      await connection.run(`SET GLOBAL TimeZone = 'UTC'`)
      connection.close()
      return instance
    } catch (error) {
      throw openError(path, error)
    }
  }

  async connect(): Promise<Connection> {
    try {
      return new Connection(await this.#instance.connect())
    } catch (error) {
      throw statementError(error)
    }
  }

  close(): void {
    this.#instance.closeSync()
  }
}

export class Connection {
  readonly #connection: Package.DuckDBConnection

  constructor(connection: Package.DuckDBConnection) {
    this.#connection = connection
  }

  /** Runs a statement; resolves to the number of rows that it changed. */
  async run(sql: string): Promise<number> {
    try {
      const result = await this.#connection.run(sql)
      return result.rowsChanged
    } catch (error) {
      throw statementError(error)
    }
  }

  async rows(sql: string): Promise<Row[]> {
    try {
      const reader = await this.#connection.runAndReadAll(sql)
      return reader.getRowObjectsJson()
    } catch (error) {
      throw statementError(error)
    }
  }

  /** Makes the statement that runs now fail. */
  interrupt(): void {
    this.#connection.interrupt()
  }

  close(): void {
    this.#connection.closeSync()
  }
}

async function loadPackage(): Promise<typeof Package> {
  try {
    return await import('@duckdb/node-api')
  } catch (cause) {
    throw new CodedError('PACKAGE_MISSING', 'a duckdb target needs the package @duckdb/node-api', {
      cause,
      hint: 'run: npm install @duckdb/node-api',
    })
  }
}

const HOLDER = /lock is held in (.+?) \(PID (\d+)\)/

function openError(path: string, error: unknown): CodedError {
  if (error instanceof CodedError) return error
  const message = messageOf(error)
  if (message.includes('Could not set lock')) {
    const [, program, pid] = HOLDER.exec(message) ?? []
    const holder = program === undefined ? 'another process' : `${program} (pid ${pid})`
    return new CodedError('TARGET_LOCKED', `${path} is held open by ${holder}`, {
      details: { path, ...(pid === undefined ? {} : { pid: Number(pid) }) },
    })
  }
  if (message.includes('not a valid DuckDB database file')) {
    return new CodedError('TARGET_FAILED', `${path} is not a DuckDB database`, {
      hint: 'name another file in the path of the target; a new one is made if there is none',
      details: { path },
    })
  }
  return new CodedError('TARGET_FAILED', `cannot open ${path}: ${firstLine(message)}`, {
    cause: error,
    details: { path },
  })
}

/** Kinds whose text may quote values of rows. */
const QUOTES_VALUES = new Set(['Conversion Error', 'Invalid Input Error', 'Out of Range Error'])

function statementError(error: unknown): CodedError {
  const message = messageOf(error)
  const kind = message.slice(0, Math.max(0, message.indexOf(':')))
  if (message.includes('No space left on device')) {
    return new CodedError('DISK_FULL', 'DuckDB found no room on the disk', { cause: error })
  }
  if (QUOTES_VALUES.has(kind)) {
    return new CodedError('VALUE_UNFIT', 'DuckDB cannot hold a value')
  }
  if (kind === 'Constraint Error') {
    return new CodedError('TARGET_FAILED', 'rows break a constraint that the table has in DuckDB', {
      hint: 'drop the constraint or the unique index; Millrace makes none',
    })
  }
  if (kind === 'Out of Memory Error') {
    return new CodedError('TARGET_FAILED', 'DuckDB needs more memory than it may take', {
      cause: error,
      hint: 'see docs/targets/duckdb.md on memory',
    })
  }
  return new CodedError('TARGET_FAILED', `DuckDB: ${firstLine(message)}`, { cause: error })
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function firstLine(message: string): string {
  return message.split('\n', 1)[0] ?? fail('TARGET_FAILED', 'DuckDB failed without a message')
}

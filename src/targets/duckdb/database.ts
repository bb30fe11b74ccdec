/**
 * A DuckDB file, as the targets of one process share it.
 *
 * DuckDB locks its file for one process, and within a process one instance must serve everybody. So
 * targets with the same path get the same database; it closes with the last of them. One connection
 * writes, and its transactions run one after the other; reads have connections of their own, see
 * only what was committed, and wait for nobody.
 */

import { mkdir, realpath } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { setTimeout } from 'node:timers/promises'

import { type Connection, Instance, type InstanceOptions, type Row } from './driver.ts'
import { Staging } from './staging.ts'

export interface DatabaseOptions extends InstanceOptions {
  /** Folder for files that are handed to DuckDB; `null` for `<path>.staging` beside the database. */
  readonly stagingDir: string | null
}

interface Shared {
  readonly database: Promise<Database>
  users: number
}

const INTERRUPT_MS = 10

const open = new Map<string, Shared>()

/** Opens the file, or joins those who have it open; then their options hold. */
export async function openDatabase(path: string, options: DatabaseOptions): Promise<Database> {
  await mkdir(dirname(path), { recursive: true })
  const file = join(await realpath(dirname(path)), basename(path))
  const shared = open.get(file) ?? { database: Database.create(file, options), users: 0 }
  open.set(file, shared)
  shared.users++
  try {
    return await shared.database
  } catch (error) {
    if (open.get(file) === shared) open.delete(file)
    throw error
  }
}

export class Database {
  readonly path: string
  readonly staging: Staging
  readonly #instance: Instance
  readonly #writer: Connection
  readonly #readers = new Set<Connection>()
  readonly #reading = new Set<Promise<unknown>>()
  /** Ends with the last transaction that was asked for. */
  #last: Promise<unknown> = Promise.resolve()

  private constructor(path: string, staging: Staging, instance: Instance, writer: Connection) {
    this.path = path
    this.staging = staging
    this.#instance = instance
    this.#writer = writer
  }

  static async create(path: string, options: DatabaseOptions): Promise<Database> {
    const instance = await Instance.open(path, options)
    try {
      // Only after the file is locked: until then staged files may be those of another process.
      const staging = await Staging.open(options.stagingDir ?? `${path}.staging`, basename(path))
      return new Database(path, staging, instance, await instance.connect())
    } catch (error) {
      instance.close()
      throw error
    }
  }

  /** Runs `work` in a transaction of its own. Commits if it resolves to true, else rolls back. */
  transaction(work: (connection: Connection) => Promise<boolean>): Promise<boolean> {
    return this.#exclusive(async () => {
      await this.#writer.run('BEGIN')
      try {
        const isDone = await work(this.#writer)
        await this.#writer.run(isDone ? 'COMMIT' : 'ROLLBACK')
        return isDone
      } catch (error) {
        // A failed COMMIT has ended the transaction already, and then this fails too.
        await this.#writer.run('ROLLBACK').catch(() => {})
        throw error
      }
    })
  }

  /** Rows of a query that sees what was committed when it began. */
  async rows(sql: string): Promise<Row[]> {
    const reading = this.#read(sql)
    this.#reading.add(reading)
    try {
      return await reading
    } finally {
      this.#reading.delete(reading)
    }
  }

  /** Must be called once by everybody who opened it. */
  close(): Promise<void> {
    const shared = open.get(this.path)
    if (shared === undefined) return Promise.resolve()
    shared.users--
    return this.#exclusive(async () => {
      if (open.get(this.path) !== shared) return
      while (shared.users === 0 && this.#reading.size > 0) await this.#interruptReaders()
      // Somebody may have joined meanwhile; from here on nothing waits, so nobody can.
      if (shared.users > 0) return
      open.delete(this.path)
      this.#writer.close()
      this.#instance.close()
      this.staging.close()
    })
  }

  /** A query that has not begun to run is not interrupted, so this may have to be done again. */
  async #interruptReaders(): Promise<void> {
    for (const connection of this.#readers) connection.interrupt()
    await Promise.race([setTimeout(INTERRUPT_MS), Promise.allSettled(this.#reading)])
  }

  async #read(sql: string): Promise<Row[]> {
    const connection = await this.#instance.connect()
    this.#readers.add(connection)
    try {
      return await connection.rows(sql)
    } finally {
      this.#readers.delete(connection)
      connection.close()
    }
  }

  #exclusive<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(work)
    this.#last = mine.catch(() => {})
    return mine
  }
}

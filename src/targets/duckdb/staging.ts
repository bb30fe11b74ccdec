/**
 * Files that rows pass through on their way into DuckDB.
 *
 * A database file has one process, so what lies here when it is opened was left by a process that
 * died, and goes. The files hold rows: only their owner may read them.
 */

import { rmdirSync } from 'node:fs'
import { mkdir, open, readdir, rm, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'

import { CsvWriter } from '../../core/csv.ts'
import { CodedError } from '../../core/errors.ts'
import type { RowSink } from '../sql/rows.ts'
import type { CsvFile } from './csv-source.ts'

const FLUSH_BYTES = 1024 * 1024

export class Staging {
  readonly #folder: string
  readonly #prefix: string
  #files = 0

  private constructor(folder: string, prefix: string) {
    this.#folder = folder
    this.#prefix = prefix
  }

  /** `database` keeps the files of several databases in one folder apart. */
  static async open(folder: string, database: string): Promise<Staging> {
    const prefix = `${database}-`
    await mkdir(folder, { recursive: true, mode: 0o700 })
    for (const name of await readdir(folder)) {
      if (name.startsWith(prefix) && name.endsWith('.csv')) await rm(join(folder, name))
    }
    return new Staging(folder, prefix)
  }

  /** Removes the folder if nothing else is in it. At once, so that it cannot be one made anew. */
  close(): void {
    try {
      rmdirSync(this.#folder)
    } catch {
      // Others use it too.
    }
  }

  async create(): Promise<StagedFile> {
    const path = join(this.#folder, `${this.#prefix}${++this.#files}.csv`)
    return new StagedFile(path, await open(path, 'w', 0o600))
  }
}

/** A file that is being written, and vanishes when it is disposed of. */
export class StagedFile implements AsyncDisposable, RowSink {
  readonly csv = new CsvWriter()
  readonly #path: string
  readonly #file: FileHandle
  #pending = 0
  #longest = 0

  constructor(path: string, file: FileHandle) {
    this.#path = path
    this.#file = file
  }

  rowEnd(bytes: number): boolean {
    this.csv.rowEnd()
    this.#pending += bytes
    if (bytes > this.#longest) this.#longest = bytes
    return this.#pending >= FLUSH_BYTES
  }

  async flush(): Promise<void> {
    this.#pending = 0
    await this.#write(this.csv.takeFull())
  }

  /** The whole file, for DuckDB to read. */
  async finish(): Promise<CsvFile> {
    await this.#write(this.csv.takeAll())
    // Quotes may double a value, and each column adds a comma and two quotes.
    return { path: this.#path, isGzip: false, hasHeader: false, lineBytes: 2 * this.#longest }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close()
    await rm(this.#path, { force: true })
  }

  async #write(chunks: Iterable<Buffer>): Promise<void> {
    try {
      for (const chunk of chunks) await this.#file.writeFile(chunk)
    } catch (cause) {
      if (isNoSpace(cause)) {
        throw new CodedError('DISK_FULL', `no room on the disk for ${this.#path}`, { cause })
      }
      throw cause
    }
  }
}

function isNoSpace(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOSPC'
}

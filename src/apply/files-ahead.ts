/**
 * Reads the files of a batch a little before they are wanted.
 *
 *   fold ◄── file 3      files 4, 5, 6 … are under way: as many as are small
 *
 * In a bucket the wait for the first byte of a small file is longer than all that is done with it, so
 * a batch of many tables would be nothing but waiting. A large file takes its time to be decoded
 * anyway. So what is ahead is bounded by count, rows and bytes, and files above that are read when
 * their turn comes. Who stops early gives back what nobody will take.
 */

import type { ChangeLog } from '../core/change-log.ts'
import type { ChangesEntry } from '../core/manifest.ts'
import type { Limits } from './log.ts'

const FILES = 16
/** Parts of what one fold may hold. */
const ROWS_PART = 10
const BYTES_PART = 16

export interface FilesAheadParts {
  readonly read: (entry: ChangesEntry) => Promise<ChangeLog>
  readonly limits: Pick<Limits, 'rows' | 'bytes'>
}

interface Reading {
  readonly entry: ChangesEntry
  readonly changes: Promise<ChangeLog>
}

export class FilesAhead implements AsyncDisposable {
  readonly #parts: FilesAheadParts
  readonly #files: readonly ChangesEntry[]
  /** The first one that is not under way. */
  #next = 0
  readonly #reading: Reading[] = []

  /** `files`: in the order in which they will be taken. */
  constructor(files: readonly ChangesEntry[], parts: FilesAheadParts) {
    this.#files = files
    this.#parts = parts
  }

  /** The changes of the next file. */
  async take(): Promise<ChangeLog> {
    if (this.#reading.length === 0) this.#begin()
    const { changes } = this.#reading.shift()!
    while (this.#mayBegin()) this.#begin()
    return changes
  }

  /** After all that is under way has ended, whose memory is given back. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#next = this.#files.length
    for (const { changes } of this.#reading.splice(0)) {
      await changes.then(
        (log) => log.release(),
        () => {},
      )
    }
  }

  #begin(): void {
    const entry = this.#files[this.#next++]
    if (entry === undefined) throw new Error('there is no file more')
    const changes = this.#parts.read(entry)
    // It is told to who takes the file, which may be later, or never.
    changes.catch(() => {})
    this.#reading.push({ entry, changes })
  }

  #mayBegin(): boolean {
    const entry = this.#files[this.#next]
    if (entry === undefined || this.#reading.length >= FILES) return false
    const { limits } = this.#parts
    let [rows, bytes] = [0, 0]
    for (const { entry: one } of [...this.#reading, { entry }]) {
      rows += one.rows.i + one.rows.u + one.rows.d
      bytes += one.bytes
    }
    return rows <= limits.rows / ROWS_PART && bytes <= limits.bytes / BYTES_PART
  }
}

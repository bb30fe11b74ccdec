/**
 * Files in S3 on their way into Redshift: compressed CSV, and a manifest that names them.
 *
 * Every file has a name that nobody else uses, so a worker that was given up spoils nothing of another
 * one. They are deleted after use, and what a killed one left is swept when the target is opened.
 *
 *   _millrace/stage/warehouse/<lake>-<id>-1.csv.gz
 *   _millrace/stage/warehouse/<lake>-<id>.manifest
 */

import { once } from 'node:events'
import { createGzip, type Gzip } from 'node:zlib'

import { CsvWriter } from '../../core/csv.ts'
import type { ObjectStore } from '../../core/object-store.ts'
import type { RowSink } from '../sql/rows.ts'
import { RedshiftValues, type ValuesOptions } from './values.ts'

/** A chunk of the writer. */
const FLUSH_BYTES = 256 * 1024
/** Of CSV. Slices of the cluster read files side by side. */
const FILE_BYTES = 32 * 1024 * 1024
const LEVEL = 1

export interface StageParts {
  /** Of a bucket that the cluster can read. */
  readonly store: ObjectStore
  /** Of the keys, and nobody else's. */
  readonly prefix: string
  readonly newId: () => string
}

export class Stage {
  readonly #parts: StageParts
  readonly #keys: string[] = []

  constructor(parts: StageParts) {
    this.#parts = parts
  }

  /** Rows of one COPY. */
  open(options: ValuesOptions): StagedRows {
    const { store, prefix, newId } = this.#parts
    const name = `${prefix}${newId()}`
    return new StagedRows(options, async (key, body) => {
      this.#keys.push(`${name}${key}`)
      await store.put(`${name}${key}`, body)
      return `${store.url}/${name}${key}`
    })
  }

  /** Deletes what was written. A file that stays is swept later. */
  async clear(): Promise<void> {
    const { store } = this.#parts
    const keys = this.#keys.splice(0)
    await Promise.all(keys.map((key) => store.delete(key).catch(() => {})))
  }

  /** Deletes what others of the prefix have left. */
  async sweep(): Promise<void> {
    const { store, prefix } = this.#parts
    for await (const key of store.list(prefix)) await store.delete(key)
  }
}

/** Resolves to the url of the object. */
type Put = (suffix: string, body: Uint8Array | AsyncIterable<Uint8Array>) => Promise<string>

interface OpenFile {
  readonly gzip: Gzip
  readonly url: Promise<string>
  bytes: number
}

export class StagedRows implements RowSink {
  readonly csv = new CsvWriter()
  readonly values: RedshiftValues
  readonly #put: Put
  readonly #urls: Promise<string>[] = []
  #file: OpenFile | null = null
  #pending = 0
  rows = 0

  constructor(options: ValuesOptions, put: Put) {
    this.values = new RedshiftValues(this.csv, options)
    this.#put = put
  }

  rowEnd(bytes: number): boolean {
    this.values.rowEnd()
    this.rows++
    this.#pending += bytes
    return this.#pending >= FLUSH_BYTES
  }

  async flush(): Promise<void> {
    this.#pending = 0
    await this.#send(this.csv.takeFull())
  }

  /** Ends the files. Resolves to the url of the manifest. */
  async finish(): Promise<string> {
    await this.#send(this.csv.takeAll())
    this.#end()
    const urls = await Promise.all(this.#urls)
    const entries = urls.map((url) => ({ url, mandatory: true }))
    return this.#put('.manifest', Buffer.from(JSON.stringify({ entries })))
  }

  /** Lets a file go that will not be finished. */
  abort(): void {
    this.#file?.gzip.destroy(new Error('given up'))
    this.#file = null
  }

  async #send(chunks: Iterable<Buffer>): Promise<void> {
    for (const chunk of chunks) {
      this.#file ??= this.#begin()
      const { gzip, url } = this.#file
      this.#file.bytes += chunk.length
      if (!gzip.write(chunk)) await Promise.race([once(gzip, 'drain'), url])
    }
    // Between rows only, since `flush` is called there; a chunk may end in the middle of one.
    if (this.#file !== null && this.#file.bytes >= FILE_BYTES) await this.#next()
  }

  async #next(): Promise<void> {
    const { gzip, url } = this.#file!
    for (const chunk of this.csv.takeAll()) gzip.write(chunk)
    this.#end()
    await url
  }

  #begin(): OpenFile {
    const gzip = createGzip({ level: LEVEL })
    const url = this.#put(`-${this.#urls.length + 1}.csv.gz`, gzip)
    gzip.on('error', () => {}) // which the put tells
    url.catch((error: Error) => gzip.destroy(error))
    this.#urls.push(url)
    return { gzip, url, bytes: 0 }
  }

  #end(): void {
    this.#file?.gzip.end()
    this.#file = null
  }
}

/**
 * COPY at work: the manifest, its files, their records, and every value by the rules of its column.
 *
 * The first record that cannot be loaded ends it. What was wrong stands in sys_load_error_detail,
 * written by another connection, since the transaction of the COPY is lost.
 */

import { gunzipSync } from 'node:zlib'

import type pg from 'pg'

import type { ObjectStore } from '../../../src/core/object-store.ts'
import { CopyIn } from '../../../src/postgres/copy-in.ts'
import { columnsOf, type Backend } from './backend.ts'
import type { CopyStatement } from './copy-statement.ts'
import { csvRecords, type CsvRecord } from './csv-fields.ts'
import { LoadError, loadValue, type LoadColumn } from './load-value.ts'
import { SqlError } from './sql-error.ts'
import { literal, qualified, quoted } from './tokens.ts'

/** The bucket: what a url begins with, and the store that has what follows. */
export interface Bucket {
  readonly url: string
  readonly store: ObjectStore
}

interface ManifestEntry {
  readonly url: string
  readonly mandatory?: boolean
}

const CHUNK_BYTES = 64 * 1024

/** Resolves to the number of rows. */
export async function copyLoad(
  client: pg.Client,
  copy: CopyStatement,
  { backend, bucket }: { backend: Backend; bucket: Bucket },
): Promise<number> {
  const columns = await loadColumns(client, copy)
  const names = columns.map(({ name }) => quoted(name)).join(', ')
  const files = await filesOf(bucket, copy)
  const stream = client.query(new CopyIn(`COPY ${qualified(copy.table)} (${names}) FROM STDIN`))
  await stream.started()
  try {
    for (const { url, bytes } of files) await loadFile(stream, bytes, { copy, columns, url })
  } catch (error) {
    await stream.abort()
    if (error instanceof BadRecord) await keepError(backend, error)
    throw error instanceof BadRecord ? failed(copy) : error
  }
  return stream.finish()
}

async function loadColumns(
  client: pg.Client,
  { table, columns }: CopyStatement,
): Promise<LoadColumn[]> {
  const all = await columnsOf(client, table)
  if (columns === null) return all
  return columns.map((name) => {
    const column = all.find((one) => one.name === name)
    if (column !== undefined) return column
    throw new SqlError(`column "${name}" of relation "${table.name}" does not exist`, {
      code: '42703',
    })
  })
}

async function filesOf(
  bucket: Bucket,
  { url, options }: CopyStatement,
): Promise<{ url: string; bytes: Buffer }[]> {
  const urls = options.isManifest ? await manifestOf(bucket, url) : await listed(bucket, url)
  const files: { url: string; bytes: Buffer }[] = []
  for (const entry of urls) {
    const bytes = await bucket.store.get(keyOf(bucket, entry.url))
    if (bytes === null && entry.mandatory === true) {
      missing(`The specified key does not exist: ${entry.url}`)
    }
    if (bytes !== null) {
      files.push({ url: entry.url, bytes: options.isGzip ? unzip(bytes, entry.url) : bytes })
    }
  }
  return files
}

async function manifestOf(bucket: Bucket, url: string): Promise<readonly ManifestEntry[]> {
  const bytes = await bucket.store.get(keyOf(bucket, url))
  if (bytes === null)
    return missing(`Problem reading manifest file - The specified key does not exist: ${url}`)
  let manifest: { readonly entries?: readonly ManifestEntry[] }
  try {
    manifest = JSON.parse(bytes.toString()) as typeof manifest
  } catch {
    return missing(`Problem reading manifest file - Invalid JSON: ${url}`)
  }
  if (!Array.isArray(manifest.entries) || manifest.entries.length === 0) {
    return missing(`Problem reading manifest file - no entries: ${url}`)
  }
  return manifest.entries
}

async function listed(bucket: Bucket, url: string): Promise<ManifestEntry[]> {
  const entries: ManifestEntry[] = []
  for await (const key of bucket.store.list(keyOf(bucket, url))) {
    entries.push({ url: `${bucket.url}${key}`, mandatory: true })
  }
  return entries.length > 0
    ? entries
    : missing(`The specified S3 prefix '${keyOf(bucket, url)}' does not exist`)
}

function keyOf({ url: root }: Bucket, url: string): string {
  if (!url.startsWith(root)) missing(`S3ServiceException:Access Denied, Status 403: ${url}`)
  return url.slice(root.length)
}

function missing(message: string): never {
  throw new SqlError(message, { code: 'XX000' })
}

function unzip(bytes: Buffer, url: string): Buffer {
  try {
    return gunzipSync(bytes)
  } catch {
    return missing(`Invalid GZIP file: ${url}`)
  }
}

interface Loading {
  readonly copy: CopyStatement
  readonly columns: readonly LoadColumn[]
  readonly url: string
}

async function loadFile(stream: CopyIn, bytes: Buffer, loading: Loading): Promise<void> {
  const { options } = loading.copy
  let skip = options.ignoreHeader
  let text = ''
  for (const record of csvRecords(bytes, options.delimiter.charCodeAt(0))) {
    if (skip-- > 0) continue
    text += copyLine(record, loading)
    if (text.length < CHUNK_BYTES) continue
    await stream.write(Buffer.from(text))
    text = ''
  }
  if (text !== '') await stream.write(Buffer.from(text))
}

/** A line of PostgreSQL's own text format. */
function copyLine(record: CsvRecord, loading: Loading): string {
  const { columns, copy } = loading
  const { fields } = record
  if (fields.length === 0)
    throw new BadRecord(record, loading, new LoadError(1216, 'Invalid quote in CSV'), null)
  if (fields.length !== columns.length) {
    const isShort = fields.length < columns.length
    const message = isShort ? 'Delimiter not found' : 'Extra column(s) found'
    throw new BadRecord(record, loading, new LoadError(isShort ? 1203 : 1202, message), null)
  }
  const values = columns.map((column, i) => {
    try {
      return escaped(loadValue(fields[i]!, column, copy.options))
    } catch (error) {
      throw error instanceof LoadError ? new BadRecord(record, loading, error, i) : error
    }
  })
  return `${values.join('\t')}\n`
}

const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\t': '\\t',
  '\n': '\\n',
  '\r': '\\r',
}

function escaped(value: string | null): string {
  return value === null
    ? '\\N'
    : value.replaceAll(/[\\\t\n\r]/g, (character) => ESCAPES[character]!)
}

class BadRecord extends Error {
  readonly record: CsvRecord
  readonly loading: Loading
  readonly why: LoadError
  readonly field: number | null

  // oxlint-disable-next-line max-params -- what a row of sys_load_error_detail is made of
  constructor(record: CsvRecord, loading: Loading, why: LoadError, field: number | null) {
    super(why.message)
    this.record = record
    this.loading = loading
    this.why = why
    this.field = field
  }
}

async function keepError(
  backend: Backend,
  { record, loading, why, field }: BadRecord,
): Promise<void> {
  const column = field === null ? null : loading.columns[field]!
  const value = field === null ? '' : record.fields[field]!.toString()
  const texts = [
    loading.url,
    column?.name ?? '',
    column?.type ?? '',
    column?.args.join(',') ?? '',
    why.message,
    record.raw.toString().slice(0, 1024),
    value.slice(0, 1024),
  ].map((text) => literal(text.replaceAll('\0', '\ufffd')))
  const [file, name, type, length, message, raw, rawValue] = texts
  await backend.query(`INSERT INTO redshift_system.load_errors (query_id, file_name, line_number,
      column_name, column_type, column_length, "position", error_code, error_message, raw_line,
      raw_field_value)
    VALUES (0, ${file!}, ${record.line}, ${name!}, ${type!}, ${length!}, 0, ${why.code}, ${message!},
      ${raw!}, ${rawValue!})`)
}

function failed({ table }: CopyStatement): SqlError {
  return new SqlError(
    `Load into table '${table.name}' failed.  Check 'sys_load_error_detail' system table for details.`,
    { code: 'XX000' },
  )
}

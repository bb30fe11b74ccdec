/**
 * Where everything lives in the lake, and what its name promises.
 *
 *   _millrace/manifests/00000000000000000042.json
 *   _millrace/shapes/app/orders/9f86d081884c.json
 *   app/orders/cdc/dt=2026-11-23/00000000000000000042-g40-1.csv.gz
 *   └namespace      └ folder     └ manifest           │   │ └ format
 *       └table                           generation ──┘   └ part, left out if it is 0
 *
 * Names of manifests, roll-ups and load parts sort in their order. Names of changes sort by manifest;
 * the order within one manifest is that of its entries. docs/lake-format.md is the reference.
 */

import { createHash } from 'node:crypto'

import {
  escapeName,
  tableId,
  tableName,
  unescapeName,
  type Shape,
  type TableId,
} from '../core/table.ts'
import type { DataFormat } from './data-file.ts'
import { encodeShape } from './shape-json.ts'

export const LAKE_INFO_KEY = '_millrace/lake.json'
export const MANIFESTS_FOLDER = '_millrace/manifests/'
export const ROLLUPS_FOLDER = '_millrace/rollups/'
export const REQUESTS_FOLDER = '_millrace/requests/'
const RESUMES_FOLDER = '_millrace/resumes/'
export const CONSUMERS_FOLDER = '_millrace/consumers/'
/** Rows on their way into targets that read from the bucket; never for long. */
export const STAGE_FOLDER = '_millrace/stage/'
export const KEPT_KEY = '_millrace/kept.json'
/** Columns that were excluded once. */
export const EXCLUSIONS_KEY = '_millrace/exclusions.json'

export function manifestKey(n: number): string {
  return `${MANIFESTS_FOLDER}${digits(n)}.json`
}

/** The number of a manifest; `null` if the key is not one of a manifest. */
export function parseManifestKey(key: string): number | null {
  return numberIn(key, MANIFEST)
}

export function rollupKey(n: number): string {
  return `${ROLLUPS_FOLDER}${digits(n)}.json.gz`
}

export function parseRollupKey(key: string): number | null {
  return numberIn(key, ROLLUP)
}

/** The name holds the hash of the file, so equal shapes have one file and no other content fits. */
export function shapeKey(shape: Shape): string {
  const folder = folderOf(tableId(shape.table))
  return `_millrace/shapes/${folder}/${shapeHash(encodeShape(shape))}.json`
}

export function shapeHash(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 12)
}

export interface ChangesFile {
  readonly table: TableId
  /** Day of writing in UTC, `2026-11-23`; within a table it never goes back. */
  readonly dt: string
  /** The manifest that names the file. */
  readonly n: number
  readonly generation: number
  readonly part: number
  readonly format: DataFormat
}

export function changesKey({ table, dt, n, generation, part, format }: ChangesFile): string {
  const suffix = part === 0 ? '' : `-${part}`
  return `${changesFolder(table, dt)}${digits(n)}-g${generation}${suffix}.${format}`
}

/** The files of one day, or of all days. */
export function changesFolder(table: TableId, dt: string | null): string {
  const all = `${folderOf(table)}/cdc/`
  return dt === null ? all : `${all}dt=${dt}/`
}

export function parseChangesKey(key: string): ChangesFile | null {
  const [, namespace, name, dt, n, generation, part = '0', format] = CHANGES.exec(key) ?? []
  const table = parseTableId(`${namespace}.${name}`)
  if (table === null || dt === undefined) return null
  return {
    table,
    dt,
    n: Number(n),
    generation: Number(generation),
    part: Number(part),
    format: formatOf(format!),
  }
}

export interface LoadFile {
  readonly table: TableId
  readonly load: string
  readonly part: number
  readonly format: DataFormat
}

export function loadKey({ table, load, part, format }: LoadFile): string {
  return `${folderOf(table)}/load/${load}/${String(part).padStart(6, '0')}.${format}`
}

/** The table and the load of a part; `null` if the key is not one of a part. */
export function parseLoadKey(key: string): { table: TableId; load: string } | null {
  const [, namespace, name, load] = LOAD.exec(key) ?? []
  const table = parseTableId(`${namespace}.${name}`)
  return table === null || load === undefined ? null : { table, load }
}

/** The files of one load. */
export function loadFolder(table: TableId, load: string): string {
  return `${loadsFolder(table)}${load}/`
}

/** Those of all loads of a table. */
export function loadsFolder(table: TableId): string {
  return `${folderOf(table)}/load/`
}

/** The format of a data file, by its name. */
export function formatOf(path: string): DataFormat {
  if (path.endsWith('parquet')) return 'parquet'
  return path.endsWith('.gz') ? 'csv.gz' : 'csv'
}

/** A consumer `shop/warehouse` has the folder `shop/warehouse/`: each part is escaped by itself. */
export function requestKey(consumer: string, table: TableId): string {
  const folder = consumer.split('/').map(escapeName).join('/')
  return `${REQUESTS_FOLDER}${folder}/${table}.json`
}

/** Where a consumer is told that a suspended table may go on. */
export function resumeKey(consumer: string, table: TableId): string {
  const folder = consumer.split('/').map(escapeName).join('/')
  return `${RESUMES_FOLDER}${folder}/${table}.json`
}

export function isResumeKey(key: string): boolean {
  return RESUME.test(key)
}

/** Where a consumer says what it still needs: `shop/warehouse.json`. */
export function consumerKey(consumer: string): string {
  return `${CONSUMERS_FOLDER}${consumer.split('/').map(escapeName).join('/')}.json`
}

export function parseConsumerKey(key: string): string | null {
  const [, folder] = CONSUMER.exec(key) ?? []
  return folder === undefined ? null : folder.split('/').map(unescapeName).join('/')
}

export function parseRequestKey(key: string): { consumer: string; table: TableId } | null {
  const [, folder, id] = REQUEST.exec(key) ?? []
  const table = parseTableId(id ?? '')
  if (folder === undefined || table === null) return null
  return { consumer: folder.split('/').map(unescapeName).join('/'), table }
}

/** The table id that the text is, in the one way of writing it; else `null`. */
export function parseTableId(text: string): TableId | null {
  const names = text.split('.')
  if (names.length !== 2 || names.includes('')) return null
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what is next is the proof
  const id = text as TableId
  return tableId(tableName(id)) === id ? id : null
}

const MANIFEST = /^_millrace\/manifests\/(\d{20})\.json$/
const ROLLUP = /^_millrace\/rollups\/(\d{20})\.json\.gz$/
const CHANGES =
  /^([^/.]+)\/([^/.]+)\/cdc\/dt=(\d{4}-\d\d-\d\d)\/(\d{20})-g(\d+)(?:-(\d+))?\.(csv|csv\.gz|parquet)$/
const LOAD = /^([^/.]+)\/([^/.]+)\/load\/([^/]+)\/\d{6}\.[a-z.]+$/
const CONSUMER = /^_millrace\/consumers\/(.+)\.json$/
const RESUME = /^_millrace\/resumes\/.+\/[^/]+\.json$/
const REQUEST = /^_millrace\/requests\/(.+)\/([^/]+)\.json$/

/** Twenty digits: more than a number can have, and text order is the order of numbers. */
function digits(n: number): string {
  return String(n).padStart(20, '0')
}

function numberIn(key: string, pattern: RegExp): number | null {
  const [, n] = pattern.exec(key) ?? []
  return n === undefined ? null : Number(n)
}

function folderOf(table: TableId): string {
  return table.replace('.', '/')
}

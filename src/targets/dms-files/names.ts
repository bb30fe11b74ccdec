/**
 * Names of folders and files, as DMS gives them.
 *
 *   lake/public/t/LOAD00000001.csv
 *   lake/public/t/2026/01/31/20260131-101500123.csv.gz
 *   lake/MyChangedData/CDC_TXN-20260131101500123.csv
 *
 * Times are those of clocks on a wall: milliseconds that count as if the zone were UTC. So names can
 * be made to go up strictly even where a clock is put back an hour.
 */

import type { DatePartition, DmsFilesSettings } from '../../core/dms-files-settings.ts'
import { escapeName, type TableName } from '../../core/table.ts'

/** The folder of a table, without a `/` behind it. */
export function tableFolder({ bucketFolder }: DmsFilesSettings, table: TableName): string {
  return join(bucketFolder, segment(table.namespace), segment(table.name))
}

export function loadKey(settings: DmsFilesSettings, table: TableName, number: number): string {
  const name = `LOAD${number.toString(16).toUpperCase().padStart(8, '0')}`
  return join(tableFolder(settings, table), name + extension(settings))
}

/** `wallMs`: when it is written. `folder`: of the date, or empty. */
export function changesKey(
  settings: DmsFilesSettings,
  { table, folder, wallMs }: { table: TableName; folder: string; wallMs: number },
): string {
  const digits = digitsOf(wallMs)
  const name = `${digits.slice(0, 8)}-${digits.slice(8)}${extension(settings)}`
  return join(tableFolder(settings, table), folder, name)
}

export function streamKey(settings: DmsFilesSettings, cdcPath: string, wallMs: number): string {
  const name = `CDC_TXN-${digitsOf(wallMs)}${extension({ ...settings, parquet: null })}`
  return join(settings.bucketFolder, cdcPath, name)
}

/** The folder of the day, or of what the sequence says, that a wall shows. */
export function dateFolder({ sequence, delimiter }: DatePartition, wallMs: number): string {
  const digits = digitsOf(wallMs)
  const parts: Readonly<Record<string, string>> = {
    YYYY: digits.slice(0, 4),
    MM: digits.slice(4, 6),
    DD: digits.slice(6, 8),
    HH: digits.slice(8, 10),
  }
  const names = sequence.match(/YYYY|MM|DD|HH/g) ?? []
  return names.map((name) => parts[name]).join(delimiter)
}

/** What the clocks of a zone show, in ms as if it were UTC. */
export class WallClock {
  readonly #format: Intl.DateTimeFormat | null
  #quarter = NaN
  #offset = 0

  constructor(timezone: string) {
    const isUtc = timezone === 'UTC'
    this.#format = isUtc ? null : new Intl.DateTimeFormat('en-US', { ...PARTS, timeZone: timezone })
  }

  at(ms: number): number {
    if (this.#format === null) return ms
    // No zone has ever changed its clocks but at a quarter of an hour.
    const quarter = Math.floor(ms / QUARTER_MS)
    if (quarter !== this.#quarter) {
      this.#quarter = quarter
      this.#offset = this.#shown(quarter * QUARTER_MS) - quarter * QUARTER_MS
    }
    return ms + this.#offset
  }

  #shown(ms: number): number {
    const found = new Map<string, number>()
    for (const { type, value } of this.#format!.formatToParts(ms)) found.set(type, Number(value))
    const part = (name: string) => found.get(name) ?? 0
    const day = [part('year'), part('month') - 1, part('day')] as const
    return Date.UTC(...day, part('hour'), part('minute'), part('second'))
  }
}

const QUARTER_MS = 900_000
const PARTS = {
  hourCycle: 'h23',
  year: 'numeric',
  month: 'numeric',
  day: 'numeric',
  hour: 'numeric',
  minute: 'numeric',
  second: 'numeric',
} as const

function digitsOf(wallMs: number): string {
  return new Date(wallMs).toISOString().replaceAll(/\D/g, '')
}

function extension({ compressionType, parquet }: DmsFilesSettings): string {
  if (parquet !== null) return '.parquet'
  return compressionType === 'gzip' ? '.csv.gz' : '.csv'
}

/** A name as it is, unless it cannot be a part of a path. */
function segment(name: string): string {
  const isPlain = !name.includes('/') && !name.startsWith('.') && !name.startsWith('_millrace')
  return isPlain ? name : escapeName(name)
}

function join(...parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join('/')
}

/**
 * A folder of files as Hive's catalog has it: for Athena, Glue, Spark and Redshift Spectrum alike.
 *
 * A CSV table has text columns only, whatever they hold, and is read by OpenCSVSerde. Its escape is a
 * backslash unless told otherwise, and it drops one that it finds; NUL, which no text of PostgreSQL
 * has, leaves all as it is. It reads lines, so a value with a line break is torn, and it cannot tell
 * an empty text from NULL: texts that may be either are better kept as Parquet.
 * https://docs.aws.amazon.com/athena/latest/ug/csv-serde.html
 *
 * Parquet columns are taken by their place, since a column that was renamed has another name in older
 * files. https://docs.aws.amazon.com/athena/latest/ug/handling-schema-updates-chapter.html
 */

import type { LogicalType } from '../../core/type.ts'
import type { RawTable } from './dialect.ts'

export interface HiveFormat {
  readonly serde: string
  readonly serdeProperties: Readonly<Record<string, string>>
  readonly inputFormat: string
  readonly outputFormat: string
  readonly tableProperties: Readonly<Record<string, string>>
}

export const NO_ESCAPE = '\u0000'

const PARQUET: HiveFormat = {
  serde: 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe',
  serdeProperties: { 'serialization.format': '1', 'parquet.column.index.access': 'true' },
  inputFormat: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat',
  outputFormat: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat',
  tableProperties: { classification: 'parquet' },
}

const CSV: HiveFormat = {
  serde: 'org.apache.hadoop.hive.serde2.OpenCSVSerde',
  serdeProperties: { separatorChar: ',', quoteChar: '"', escapeChar: NO_ESCAPE },
  inputFormat: 'org.apache.hadoop.mapred.TextInputFormat',
  outputFormat: 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat',
  tableProperties: { classification: 'csv', 'skip.header.line.count': '1' },
}

export function hiveFormat({ format }: RawTable): HiveFormat {
  return format === 'parquet' ? PARQUET : CSV
}

/** Partition projection: no partition has to be made known. Only Athena does it. */
export function projection({ partitions, url }: RawTable): Readonly<Record<string, string>> {
  if (partitions === null) return {}
  return {
    'projection.enabled': 'true',
    'projection.dt.type': 'date',
    'projection.dt.format': 'yyyy-MM-dd',
    'projection.dt.range': `${firstDay(partitions)},NOW`,
    'projection.dt.interval': '1',
    'projection.dt.interval.unit': 'DAYS',
    'storage.location.template': `${url}dt=\${dt}/`,
  }
}

const TYPES: Partial<Record<LogicalType['kind'], string>> = {
  bool: 'boolean',
  int2: 'smallint',
  int4: 'int',
  int8: 'bigint',
  oid: 'bigint',
  float4: 'float',
  float8: 'double',
  date: 'date',
  timestamp: 'timestamp',
  timestamptz: 'timestamp',
  bytea: 'binary',
}

export function hiveType(type: LogicalType, { format }: RawTable): string {
  return format === 'parquet' ? valueType(type) : 'string'
}

/** What a value of the type is, where it is not kept as text. */
export function valueType(type: LogicalType): string {
  return decimalType(type) ?? TYPES[type.kind] ?? 'string'
}

/** `decimal(12,2)`; `null` where only text is exact. */
export function decimalType(type: LogicalType): string | null {
  if (type.kind !== 'numeric' || type.precision === null || type.scale === null) return null
  const { precision, scale } = type
  const fits = precision >= 1 && precision <= 38 && scale >= 0 && scale <= precision
  return fits ? `decimal(${precision},${scale})` : null
}

export function properties(map: Readonly<Record<string, string>>): string {
  return Object.entries(map)
    .map(([key, value]) => `'${key}'='${value.replaceAll(NO_ESCAPE, String.raw`\u0000`)}'`)
    .join(', ')
}

/** Of a table without files the projection begins somewhere. */
export function firstDay(days: readonly string[]): string {
  return days[0] ?? '2026-01-01'
}

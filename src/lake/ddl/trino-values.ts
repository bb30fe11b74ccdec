/**
 * Queries of Trino, and so of Athena, and how they make typed values of PostgreSQL's text.
 * https://trino.io/docs/current/functions/conversion.html
 */

import type { LogicalType } from '../../core/type.ts'
import type { Dialect } from './dialect.ts'
import { decimalType } from './hive-table.ts'
import { quoted, standardLiteral } from './sql-text.ts'

export const TRINO_QUERIES: Omit<Dialect, 'rawTable'> = {
  typed: [],
  view: (name, query) => `CREATE OR REPLACE VIEW ${quoted(name)} AS\n${query}`,
  rawName: quoted,
  quote: quoted,
  literal: standardLiteral,
  fromText: trinoFromText,
  contains: (text, part) => `(strpos(${text}, ${part}) > 0)`,
}

/** OpenCSVSerde gives an empty text where there is NULL. */
function trinoFromText(text: string, type: LogicalType, isLoose: boolean): string {
  if (text === 'NULL') return `CAST(NULL AS ${trinoType(type)})`
  const value = `nullif(${text}, '')`
  const cast = isLoose ? 'try_cast' : 'CAST'
  if (type.kind === 'bool') return `(${value} = 't')`
  if (type.kind === 'bytea') return `from_hex(substr(${value}, 3))`
  const name = trinoType(type)
  // The text ends with +00, for capture reads in UTC.
  if (type.kind === 'timestamptz')
    return `${cast}(substr(${value}, 1, length(${text}) - 3) AS ${name})`
  return name === 'varchar' ? value : `${cast}(${value} AS ${name})`
}

const TYPES: Partial<Record<LogicalType['kind'], string>> = {
  bool: 'boolean',
  int2: 'smallint',
  int4: 'integer',
  int8: 'bigint',
  oid: 'bigint',
  float4: 'real',
  float8: 'double',
  date: 'date',
  timestamp: 'timestamp(6)',
  timestamptz: 'timestamp(6)',
  bytea: 'varbinary',
}

export function trinoType(type: LogicalType): string {
  return decimalType(type) ?? TYPES[type.kind] ?? 'varchar'
}

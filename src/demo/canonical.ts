/**
 * One text for one value, on both sides: SQL text in, SQL text out.
 *
 * PostgreSQL and DuckDB print some types differently, so each pair of types that hold the same values
 * has an expression for either side, exact to the last bit. A pair that is not listed is compared
 * as both sides print it. So a difference can be reported that is none, but none can hide.
 *
 * Values are framed before they are joined, since no separator is safe: `-` for NULL, otherwise the
 * length in bytes, a colon, and the text.
 *
 *   (7, NULL, 'a,b')   1:7-3:a,b
 *
 * Only the lower bound of an array is left out, which no list has.
 */

import { quoteIdentifier } from '../postgres/quote.ts'

export interface ComparedColumn {
  readonly name: string
  /** In pg_type, of the base type of a domain; `_int4` for an array of int4. */
  readonly sourceType: string
  /** As its catalog has it; `null` if the warehouse does not have the column. */
  readonly warehouseType: string | null
}

/** Both expressions are NULL for NULL and text otherwise. */
interface Pair {
  readonly source: string
  readonly warehouse: string
}

/** Session settings that make PostgreSQL print values as they travel in its log. */
export const CANONICAL_SETTINGS = `
  set local datestyle = 'ISO, MDY'; set local intervalstyle = 'postgres'; set local timezone = 'UTC';
  set local extra_float_digits = 1; set local bytea_output = 'hex'`

export function sourceRow(columns: readonly ComparedColumn[]): string {
  return joined(columns.map((column) => framedAtSource(canonical(column).source)))
}

export function warehouseRow(columns: readonly ComparedColumn[]): string {
  return joined(columns.map((column) => framedInWarehouse(canonical(column).warehouse)))
}

/** The row of another PostgreSQL, which prints values as the source does. */
export function copyRow(columns: readonly ComparedColumn[]): string {
  return joined(
    columns.map((column) =>
      column.warehouseType === null ? `'${NO_COLUMN}'` : framedAtSource(canonical(column).source),
    ),
  )
}

/** Takes a text of frames apart. */
export function unframe(text: string): (string | null)[] {
  const bytes = Buffer.from(text)
  const values: (string | null)[] = []
  for (let at = 0; at < bytes.length;) {
    if (bytes[at] === HYPHEN) {
      values.push(null)
      at++
      continue
    }
    if (bytes[at] === NO_COLUMN_BYTE) {
      values.push('no such column')
      at++
      continue
    }
    const start = bytes.indexOf(':', at) + 1
    const end = start + Number(bytes.toString('latin1', at, start - 1))
    values.push(bytes.toString('utf8', start, end))
    at = end
  }
  return values
}

const HYPHEN = 0x2d
/** In the place of a frame, which no value has. */
const NO_COLUMN = '?'
const NO_COLUMN_BYTE = 0x3f

function joined(frames: readonly string[]): string {
  return `(${frames.join('\n || ')})`
}

function framedAtSource(text: string): string {
  return `coalesce(octet_length(${text}) || ':' || ${text}, '-')`
}

function framedInWarehouse(text: string): string {
  return `coalesce(strlen(${text})::varchar || ':' || ${text}, '-')`
}

function canonical({ name, sourceType, warehouseType }: ComparedColumn): Pair {
  const column = quoteIdentifier(name)
  // PostgreSQL cannot hold this text, so every row differs, and the report names the column.
  const missing = { source: printed(column), warehouse: `chr(0)` }
  return warehouseType === null ? missing : pairOf(sourceType, warehouseType, column)
}

function pairOf(sourceType: string, warehouseType: string, value: string): Pair {
  if (sourceType.startsWith('_') && warehouseType.endsWith('[]')) {
    return listPair(sourceType.slice(1), warehouseType.slice(0, -2), value)
  }
  const exact = PAIRS[`${sourceType} ${warehouseType}`]
  return exact?.(value) ?? { source: printed(value), warehouse: `${value}::varchar` }
}

/** Element by element. PostgreSQL does not fix the dimensions of an array; more than one is no list. */
function listPair(sourceType: string, warehouseType: string, list: string): Pair {
  const element = pairOf(sourceType, warehouseType, 'element')
  const elements = `(select string_agg(${framedAtSource(element.source)}, '' order by place)
    from unnest(${list}) with ordinality as elements (element, place))`
  return {
    source: `case when ${list} is null then null
      when array_ndims(${list}) > 1 then 'of more dimensions: ' || concat(${list})
      else coalesce(${elements}, '') end`,
    warehouse: `array_to_string(list_transform(${list},
      lambda element: ${framedInWarehouse(element.warehouse)}), '')`,
  }
}

/** What the type's output function says, which is what travels. A cast would cut blanks off a char(n). */
function printed(value: string): string {
  return `case when num_nonnulls(${value}) = 1 then concat(${value}) end`
}

/** DuckDB writes `0044-03-15 (BC) 12:00:00`. */
function eraLast(text: string): string {
  return String.raw`regexp_replace(${text}, ' \(BC\)(.*)$', '\1 BC')`
}

function bits(value: string, send: string, width: number): Pair {
  // There are many NaNs, all of them equal.
  return {
    source: `case when ${value} = 'NaN' then 'NaN'
      else (('x' || encode(${send}(${value}), 'hex'))::bit(${width}))::text end`,
    warehouse: `case when isnan(${value}) then 'NaN' else ${value}::bit::varchar end`,
  }
}

const PAIRS: Readonly<Record<string, (value: string) => Pair>> = {
  'bool BOOLEAN': (value) => ({ source: `${value}::text`, warehouse: `${value}::varchar` }),
  'float4 FLOAT': (value) => bits(value, 'float4send', 32),
  'float8 DOUBLE': (value) => bits(value, 'float8send', 64),
  'bytea BLOB': (value) => ({
    source: `encode(${value}, 'hex')`,
    warehouse: `lower(hex(${value}))`,
  }),
  'date DATE': (value) => ({
    source: printed(value),
    warehouse: eraLast(`${value}::varchar`),
  }),
  'timestamp TIMESTAMP': (value) => ({
    source: printed(value),
    warehouse: eraLast(`${value}::varchar`),
  }),
  'timestamptz TIMESTAMP WITH TIME ZONE': (value) => ({
    source: printed(`(${value} at time zone 'UTC')`),
    // By way of microseconds, so that the time zone of the session does not matter.
    warehouse: `case when isfinite(${value}) then ${eraLast(`make_timestamp(epoch_us(${value}))::varchar`)}
      else ${value}::varchar end`,
  }),
}

/**
 * What PostgreSQL's types are in Parquet.
 *
 * A form is exact: each text of PostgreSQL that fits it has one value, and the value has one text, so
 * that what is read back is byte for byte what the server wrote. Types without a form stay texts.
 *
 * https://github.com/apache/parquet-format/blob/master/LogicalTypes.md
 */

import type { SchemaElement } from 'hyparquet'

import { unreachable } from '../../core/errors.ts'
import { logicalType, type ColumnType, type LogicalType } from '../../core/type.ts'
import type { ParquetOptions } from './parquet-options.ts'

type SimpleKind = 'bool' | 'float4' | 'float8' | 'bytea' | 'uuid' | 'date' | 'time' | 'text'

export type ScalarForm =
  | { [K in SimpleKind]: { readonly kind: K } }[SimpleKind]
  /** `isUnsigned`: an oid, which has no sign, in the next larger type that has one. */
  | { readonly kind: 'int'; readonly bits: 16 | 32 | 64; readonly isUnsigned: boolean }
  /** The unscaled number, in as few bytes as hold all of them: 4, 8, or more, big-endian. */
  | {
      readonly kind: 'decimal'
      readonly precision: number
      readonly scale: number
      readonly bytes: number
    }
  | { readonly kind: 'timestamp'; readonly isUtc: boolean }

export type ParquetForm =
  | ScalarForm
  | { readonly kind: 'list'; readonly element: ScalarForm; readonly type: ColumnType }
  /** A text of JSON; `element` tells what its elements look like. */
  | { readonly kind: 'json-array'; readonly element: LogicalType }

const TEXT: ScalarForm = { kind: 'text' }
const MAX_PRECISION = 38

/** The form of a column. Depends on `options.arrays` and `options.types`. */
export function parquetForm(
  type: ColumnType,
  options: Pick<ParquetOptions, 'arrays' | 'types'>,
): ParquetForm {
  const { element } = type
  if (!element) return scalarForm(logicalType(type), options)
  // Boxes are the one type whose arrays are not separated by commas.
  if (element.name === 'box' || element.element) return TEXT
  if (options.arrays === 'json') return { kind: 'json-array', element: logicalType(element) }
  return { kind: 'list', element: scalarForm(logicalType(element), options), type: element }
}

function scalarForm(type: LogicalType, { types }: Pick<ParquetOptions, 'types'>): ScalarForm {
  switch (type.kind) {
    case 'bool':
    case 'float4':
    case 'float8':
    case 'bytea':
    case 'date':
      return { kind: type.kind }
    case 'uuid':
    case 'time':
      return types === 'plain' ? TEXT : { kind: type.kind }
    case 'int2':
      return { kind: 'int', bits: 16, isUnsigned: false }
    case 'int4':
      return { kind: 'int', bits: 32, isUnsigned: false }
    case 'int8':
      return { kind: 'int', bits: 64, isUnsigned: false }
    case 'oid':
      return { kind: 'int', bits: 64, isUnsigned: true }
    case 'timestamp':
    case 'timestamptz':
      return { kind: 'timestamp', isUtc: type.kind === 'timestamptz' }
    case 'numeric':
      return decimalForm(type.precision, type.scale)
    case 'text':
    case 'json':
    case 'timetz':
    case 'interval':
    case 'array':
      return TEXT
    default:
      return unreachable(type)
  }
}

/** A numeric without precision has a scale of its own in each value, so it stays a text. */
function decimalForm(precision: number | null, scale: number | null): ScalarForm {
  if (precision === null || scale === null || precision > MAX_PRECISION) return TEXT
  if (scale < 0 || scale > precision) return TEXT
  return { kind: 'decimal', precision, scale, bytes: decimalBytes(precision) }
}

function decimalBytes(precision: number): number {
  if (precision <= 9) return 4
  if (precision <= 18) return 8
  let bytes = 9
  while (2n ** BigInt(8 * bytes - 1) <= 10n ** BigInt(precision)) bytes++
  return bytes
}

/** The elements of the schema for a column; the first one has its name. */
export function schemaElements(
  name: string,
  form: ParquetForm,
  isRequired = false,
): SchemaElement[] {
  const repetition_type = isRequired ? 'REQUIRED' : 'OPTIONAL'
  if (form.kind !== 'list') return [{ name, repetition_type, ...physical(form) }]
  return [
    {
      name,
      repetition_type,
      num_children: 1,
      converted_type: 'LIST',
      logical_type: { type: 'LIST' },
    },
    { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
    { name: 'element', repetition_type: 'OPTIONAL', ...physical(form.element) },
  ]
}

type Physical = Omit<SchemaElement, 'name' | 'repetition_type'>

const STRING: Physical = {
  type: 'BYTE_ARRAY',
  converted_type: 'UTF8',
  logical_type: { type: 'STRING' },
}

function physical(form: Exclude<ParquetForm, { kind: 'list' }>): Physical {
  switch (form.kind) {
    case 'bool':
      return { type: 'BOOLEAN' }
    case 'float4':
      return { type: 'FLOAT' }
    case 'float8':
      return { type: 'DOUBLE' }
    case 'bytea':
      return { type: 'BYTE_ARRAY' }
    case 'uuid':
      return { type: 'FIXED_LEN_BYTE_ARRAY', type_length: 16, logical_type: { type: 'UUID' } }
    case 'date':
      return { type: 'INT32', converted_type: 'DATE', logical_type: { type: 'DATE' } }
    case 'time':
      return {
        type: 'INT64',
        logical_type: { type: 'TIME', isAdjustedToUTC: false, unit: 'MICROS' },
      }
    case 'timestamp':
      return {
        type: 'INT64',
        ...(form.isUtc && { converted_type: 'TIMESTAMP_MICROS' }),
        logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: form.isUtc, unit: 'MICROS' },
      }
    case 'int':
      return integer(form.bits)
    case 'decimal':
      return decimal(form)
    case 'text':
    case 'json-array':
      return STRING
    default:
      return unreachable(form)
  }
}

function integer(bits: 16 | 32 | 64): Physical {
  if (bits === 64) return { type: 'INT64' }
  if (bits === 32) return { type: 'INT32' }
  // Without its logical type, whose width the library writes with a type that DuckDB refuses.
  return { type: 'INT32', converted_type: 'INT_16' }
}

function decimal({ precision, scale, bytes }: ScalarForm & { kind: 'decimal' }): Physical {
  const logical_type = { type: 'DECIMAL', precision, scale } as const
  const rest = { converted_type: 'DECIMAL', precision, scale, logical_type } as const
  if (bytes === 4) return { type: 'INT32', ...rest }
  if (bytes === 8) return { type: 'INT64', ...rest }
  return { type: 'FIXED_LEN_BYTE_ARRAY', type_length: bytes, ...rest }
}

/** Shapes as JSON: the file of a shape, whose name is the hash of its bytes, and its place in a roll-up. */

import type { Narrowing } from '../core/narrowing.ts'
import type { Column, Shape } from '../core/table.ts'
import type { ColumnType } from '../core/type.ts'
import { encodeJson } from './json-lsn.ts'
import { JsonObject } from './json-object.ts'

/** Equal shapes have equal bytes, and so one file. */
export function encodeShape(shape: Shape): Buffer {
  return encodeJson(shapeJson(shape))
}

export function decodeShape(bytes: Uint8Array, key: string): Shape {
  return readShape(JsonObject.parse(bytes, key))
}

export function shapeJson({ table, oid, number, columns, key, narrowing }: Shape): object {
  return {
    table: { namespace: table.namespace, name: table.name },
    oid,
    number,
    columns: columns.map(({ name, type, wire, attnum }) => ({
      name,
      type: typeJson(type),
      wire,
      ...(attnum !== undefined && { attnum }),
    })),
    key,
    ...(narrowing && {
      narrowing: {
        omitted: narrowing.omitted,
        listed: narrowing.listed,
        rows: narrowing.rows,
      },
    }),
  }
}

export function readShape(json: JsonObject): Shape {
  const table = json.object('table')
  const columns = json.objects('columns').map(readColumn)
  const key = json.integers('key')
  if (!key.every((i) => i >= 0 && i < columns.length)) json.damaged('key', 'a list of columns')
  return {
    table: { namespace: table.text('namespace'), name: table.text('name') },
    oid: json.integer('oid'),
    number: json.integer('number', 1),
    columns,
    key,
    ...(json.has('narrowing') && { narrowing: readNarrowing(json.object('narrowing')) }),
  }
}

function readNarrowing(json: JsonObject): Narrowing {
  return {
    omitted: json.texts('omitted'),
    listed: json.isNull('listed') ? null : json.texts('listed'),
    rows: json.isNull('rows') ? null : json.text('rows'),
  }
}

function readColumn(json: JsonObject): Column {
  const wire = json.isNull('wire') ? null : json.integer('wire')
  const column = { name: json.text('name'), type: readType(json.object('type')), wire }
  return json.has('attnum') ? { ...column, attnum: json.integer('attnum', 1) } : column
}

function typeJson({ oid, name, modifier, element }: ColumnType): object {
  return { oid, name, modifier, ...(element && { element: typeJson(element) }) }
}

/** -1 means none; the types of extensions may use the rest of the 32 bits. */
const LEAST_MODIFIER = -0x8000_0000

function readType(json: JsonObject): ColumnType {
  const type = {
    oid: json.integer('oid'),
    name: json.text('name'),
    modifier: json.integer('modifier', LEAST_MODIFIER),
  }
  return json.has('element') ? { ...type, element: readType(json.object('element')) } : type
}

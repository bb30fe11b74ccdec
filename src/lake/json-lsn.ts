/**
 * Positions in the lake's JSON.
 *
 *   "16/B3751120"                                       an LSN, as PostgreSQL writes it
 *   {"lsn":"16/B3751120","ordinal":4}                   a position
 *   {"lsn":"16/B3751120","ordinal":4,"end":true}        the last position of a manifest
 *
 * LSNs are texts because JSON's numbers lose digits above 2^53. Everything is one line with the
 * fields in a fixed order, so equal content has equal bytes.
 */

import type { LogPosition } from '../core/batch.ts'
import { formatLsn, parseLsn, type Lsn } from '../core/lsn.ts'
import type { Position } from '../core/position.ts'
import type { JsonObject } from './json-object.ts'

const LSN = /^[0-9A-F]{1,8}\/[0-9A-F]{1,8}$/

export function encodeJson(value: object): Buffer {
  return Buffer.from(`${JSON.stringify(value)}\n`)
}

export function lsnJson(lsn: Lsn): string {
  return formatLsn(lsn)
}

export function positionJson({ lsn, ordinal }: Position): object {
  return { lsn: lsnJson(lsn), ordinal }
}

export function logPositionJson(to: LogPosition): object {
  return { ...positionJson(to), end: to.end }
}

export function readLsn(json: JsonObject, name: string): Lsn {
  return json.parsed(name, 'an LSN', (text) => (LSN.test(text) ? parseLsn(text) : null))
}

export function readPosition(json: JsonObject, name: string): Position {
  return positionFields(json.object(name))
}

export function readLogPosition(json: JsonObject, name: string): LogPosition {
  const fields = json.object(name)
  return { ...positionFields(fields), end: fields.flag('end') }
}

function positionFields(fields: JsonObject): Position {
  return { lsn: readLsn(fields, 'lsn'), ordinal: fields.integer('ordinal') }
}

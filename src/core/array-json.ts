/**
 * PostgreSQL's arrays, `{1,NULL,"a b"}`, as JSON, and back.
 *
 * The way back must give the very text: an element is quoted where `array_out` would quote it. JSON
 * keeps numbers as they are written, to the last digit; what JSON has no notation for is a string.
 *
 * https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO
 */

import type { LogicalType } from './type.ts'

/** An element as it stands in an array. */
export function quoteElement(text: string): string {
  if (text !== '' && !/["\\{},\t\n\v\f\r ]|^null$/i.test(text)) return text
  return `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`
}

type Numeric = LogicalType['kind']
const NUMBERS: ReadonlySet<Numeric> = new Set([
  'int2',
  'int4',
  'int8',
  'oid',
  'numeric',
  'float4',
  'float8',
])

const TOKEN = /[{},]|"(?:[^"\\]|\\[^])*"|[^{},"]+/g

/** The array as JSON, several dimensions as arrays of arrays; `null` if it does not count from 1. */
export function arrayToJson(text: string, element: LogicalType): string | null {
  if (!text.startsWith('{')) return null
  let json = ''
  let last = 0
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    if (index !== last) return null
    last = index + token.length
    if (token === '{') json += '['
    else if (token === '}') json += ']'
    else if (token === ',') json += ','
    else if (token.startsWith('"')) {
      json += toJson(token.slice(1, -1).replaceAll(/\\([^])/g, '$1'), element)
    } else json += token === 'NULL' ? 'null' : toJson(token, element)
  }
  return last === text.length ? json : null
}

function toJson(text: string, { kind }: LogicalType): string {
  if (NUMBERS.has(kind) && /^-?\d+(\.\d+)?(e[+-]\d+)?$/.test(text)) return text
  if (kind === 'bool') return text === 't' ? 'true' : 'false'
  return JSON.stringify(text)
}

const JSON_TOKEN = /[[\],]|"(?:[^"\\]|\\.)*"|[^[\],"]+/g

/** The array again; `null` if that is no array of ours. */
export function jsonToArray(json: string): string | null {
  let text = ''
  let last = 0
  for (const { 0: token, index } of json.matchAll(JSON_TOKEN)) {
    if (index !== last) return null
    last = index + token.length
    if (token === '[') text += '{'
    else if (token === ']') text += '}'
    else if (token === ',') text += ','
    else if (token.startsWith('"')) text += quoteElement(String(JSON.parse(token)))
    else text += BARE[token] ?? token
  }
  return last === json.length ? text : null
}

const BARE: Readonly<Record<string, string>> = { null: 'NULL', true: 't', false: 'f' }

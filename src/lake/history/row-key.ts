/**
 * The key of a row as it is written on a command line: `7`, `tenant=3,id=7`, `{"tenant":"3","id":"7"}`.
 *
 * Values are compared as the texts that PostgreSQL writes, byte by byte.
 */

import { fail } from '../../core/errors.ts'
import type { Shape } from '../../core/table.ts'

/** The texts of the key's columns, by their places in the shape. */
export type KeyTexts = ReadonlyMap<number, Buffer>

/** Fails with USAGE if the text does not name the key of the shape. */
export function keyTexts(text: string, { columns, key, table }: Shape): KeyTexts {
  const names = key.map((column) => columns[column]!.name)
  if (names.length === 0) fail('TABLE_WITHOUT_KEY', `${table.name} has no key to find rows by`)
  const values = parse(text, names)
  const isWhole = values.size === names.length && names.every((name) => values.has(name))
  if (!isWhole) {
    const example = names.map((name) => `${name}=…`).join(',')
    fail('USAGE', `the key of ${table.namespace}.${table.name} is ${names.join(', ')}`, {
      hint: `write --key '${example}'`,
    })
  }
  return new Map(key.map((column, i) => [column, Buffer.from(values.get(names[i]!)!)]))
}

export function hasKey(values: readonly (Buffer | null | undefined)[], texts: KeyTexts): boolean {
  for (const [column, text] of texts) if (!values[column]?.equals(text)) return false
  return true
}

function parse(text: string, names: readonly string[]): ReadonlyMap<string, string> {
  if (text.startsWith('{')) return parseJson(text)
  const [only] = names
  if (names.length === 1) {
    const value = text.startsWith(`${only}=`) ? text.slice(only!.length + 1) : text
    return new Map([[only!, value]])
  }
  const pairs = text.split(',').map((pair): [string, string] => {
    const at = pair.indexOf('=')
    return at < 0 ? ['', pair] : [pair.slice(0, at), pair.slice(at + 1)]
  })
  return new Map(pairs)
}

function parseJson(text: string): ReadonlyMap<string, string> {
  try {
    const fields: unknown = JSON.parse(text)
    return new Map(Object.entries(fields ?? {}).map(([name, value]) => [name, String(value)]))
  } catch {
    return fail('USAGE', `--key is not JSON: ${text}`)
  }
}

/**
 * Names and literals in SQL, and where a table stands.
 *
 * A shadow stands beside its live table, in the same schema: there the swap is a matter of the
 * catalog, whatever the size, and it gets the rights that the owner of the schema grants by default.
 * Where names have a limit, a long one is cut and gets a hash, so that no two tables share a shadow.
 */

import { createHash } from 'node:crypto'

import type { TableName } from '../../core/table.ts'
import type { TargetTable } from '../../core/target.ts'

const SHADOW_SUFFIX = '__millrace_load'
const HASH_DIGITS = 8

export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** Where backslashes are characters like any other. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

/** `maxBytes`: how long a name may be. */
export function placeOf({ name, isShadow }: TargetTable, maxBytes = Infinity): TableName {
  if (!isShadow) return name
  return { namespace: name.namespace, name: shadowName(name.name, maxBytes) }
}

function shadowName(name: string, maxBytes: number): string {
  if (Buffer.byteLength(name) + SHADOW_SUFFIX.length <= maxBytes) return `${name}${SHADOW_SUFFIX}`
  const hash = createHash('sha256').update(name).digest('hex').slice(0, HASH_DIGITS)
  const room = maxBytes - SHADOW_SUFFIX.length - HASH_DIGITS - 1
  return `${cut(name, room)}_${hash}${SHADOW_SUFFIX}`
}

/** At most `bytes` bytes of a text, and whole characters. */
function cut(text: string, bytes: number): string {
  let kept = ''
  let length = 0
  for (const character of text) {
    length += Buffer.byteLength(character)
    if (length > bytes) break
    kept += character
  }
  return kept
}

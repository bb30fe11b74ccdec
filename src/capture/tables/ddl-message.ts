/** What a message of the DDL trigger says: see `ddl-trigger.ts`. */

import type { LogicalMessage } from '../../pgoutput/messages.ts'
import { DDL_PREFIX } from './ddl-trigger.ts'

export type DdlMessage =
  | {
      readonly do: 'rewrite'
      /** OID of the table; of a partition, that of its root. */
      readonly table: number
      /** The number of its last column, if only columns that are new have other values; else `null`. */
      readonly last: number | null
    }
  | { readonly do: 'drop'; readonly tables: readonly number[] }

/** `null` if it is no message of ours: anybody may write any message. */
export function ddlMessage({
  isTransactional,
  prefix,
  content,
}: Pick<LogicalMessage, 'isTransactional' | 'prefix' | 'content'>): DdlMessage | null {
  if (!isTransactional || prefix !== DDL_PREFIX) return null
  const json = parsed(content.toString())
  if (json === null) return null
  const { do: what, table, last = null, tables } = json
  if (what === 'rewrite' && isNumber(table) && (last === null || isNumber(last))) {
    return { do: what, table, last }
  }
  if (what !== 'drop' || !Array.isArray(tables)) return null
  return { do: what, tables: tables.filter(isNumber) }
}

function parsed(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const json: unknown = JSON.parse(text)
    return typeof json === 'object' && json !== null ? { ...json } : null
  } catch {
    return null
  }
}

function isNumber(value: unknown): value is number {
  return Number.isSafeInteger(value)
}

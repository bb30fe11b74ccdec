/** Names and texts as they stand in SQL. */

import type { TableName } from '../core/table.ts'

export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** Also right where standard_conforming_strings is off. */
export function quoteLiteral(text: string): string {
  const quoted = `'${text.replaceAll("'", "''")}'`
  return text.includes('\\') ? ` E${quoted.replaceAll('\\', '\\\\')}` : quoted
}

/** For commands of the replication protocol, where a backslash is a character like any other. */
export function quoteReplicationLiteral(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

export function quoteTable({ namespace, name }: TableName): string {
  return `${quoteIdentifier(namespace)}.${quoteIdentifier(name)}`
}

/**
 * Which tables are meant: a list of patterns such as `app.*`, `!app.audit_*`.
 *
 * A `*` stands for any characters within a name, `!` takes out again what an earlier pattern took
 * in, and the last pattern that fits a table decides. Names are written as they are in the catalog,
 * upper case included, and are split at the first dot.
 */

import { fail } from './errors.ts'
import type { TableName } from './table.ts'

/** Columns that are left out of the tables that match. */
export interface ColumnRule {
  /** As in a selection, without `!`. */
  readonly tables: string
  readonly exclude: readonly string[]
}

interface Rule {
  readonly isIncluded: boolean
  readonly namespace: RegExp
  readonly name: RegExp
}

/** Fails with CONFIG_INVALID if a pattern is not of the form `schema.table`. */
export function selectTables(patterns: readonly string[]): (table: TableName) => boolean {
  const rules = patterns.map(parse).toReversed()
  return ({ namespace, name }) => {
    const last = rules.find((rule) => rule.namespace.test(namespace) && rule.name.test(name))
    return last?.isIncluded ?? false
  }
}

/** The columns that the rules exclude from a table: of all rules that fit it. */
export function excludeColumns(
  rules: readonly ColumnRule[],
): (table: TableName) => ReadonlySet<string> {
  const parsed = rules.map(({ tables, exclude }) => ({ isMeant: selectTables([tables]), exclude }))
  return (table) => {
    const meant = parsed.filter(({ isMeant }) => isMeant(table))
    return new Set(meant.flatMap(({ exclude }) => exclude))
  }
}

function parse(pattern: string): Rule {
  const isIncluded = !pattern.startsWith('!')
  const names = isIncluded ? pattern : pattern.slice(1)
  const dot = names.indexOf('.')
  if (dot < 1 || dot === names.length - 1) {
    fail('CONFIG_INVALID', `"${pattern}" does not say which tables: write schema.table or schema.*`)
  }
  return {
    isIncluded,
    namespace: wildcard(names.slice(0, dot)),
    name: wildcard(names.slice(dot + 1)),
  }
}

function wildcard(text: string): RegExp {
  const literals = text.split(/\*+/).map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
  return new RegExp(`^${literals.join('.*')}$`, 's')
}

/**
 * What a case of the conformance suite is: statements, and what the last of them must give.
 *
 * In a statement `{t}` and `{u}` are tables of the case's own, `{s}` is the schema, `{temp}` a name for
 * a temporary table, `{manifest}` the manifest of its files and `{role}` what stands behind IAM_ROLE.
 * A statement behind `!` may fail. Statements may leave a transaction open.
 */

import type { BehaviourId } from '../../support/redshift/behaviours.ts'

export type Expected =
  | { readonly rows: readonly (readonly (string | null)[])[] }
  /** Of the error: its message, and its SQLSTATE if that is part of the behaviour. */
  | { readonly error: RegExp; readonly code?: string }
  /** A statement that must be accepted, whatever it gives. */
  | 'accepted'

export interface ConformanceCase {
  readonly id: BehaviourId
  readonly sql: readonly string[]
  readonly expect: Expected
  /** Files that the manifest names, with their bytes; `null` for one that is not there. */
  readonly files?: readonly (string | Buffer | null)[]
  /** Of the entries of the manifest. */
  readonly mandatory?: boolean
}

export function gives(
  id: BehaviourId,
  sql: readonly string[],
  ...rows: readonly (readonly (string | null)[])[]
): ConformanceCase {
  return { id, sql, expect: { rows } }
}

export function refuses(
  id: BehaviourId,
  sql: readonly string[],
  error: RegExp,
  code?: string,
): ConformanceCase {
  return { id, sql, expect: { error, ...(code === undefined ? {} : { code }) } }
}

export function accepts(id: BehaviourId, ...sql: readonly string[]): ConformanceCase {
  return { id, sql, expect: 'accepted' }
}

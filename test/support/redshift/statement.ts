/** What is known of a statement once it is understood: all that the session needs to run it. */

import type { CopyStatement } from './copy-statement.ts'
import type { Token } from './lexer.ts'
import type { QualifiedName } from './tokens.ts'
import type { RedshiftType } from './types.ts'

export type StatementKind =
  | 'begin' | 'commit' | 'rollback' | 'lock' | 'copy' | 'select' | 'insert' | 'update' | 'delete'
  | 'merge' | 'truncate' | 'create' | 'alter' | 'drop' | 'set' | 'show' | 'vacuum' | 'analyze'
  | 'grant' // prettier-ignore

export interface Statement {
  readonly kind: StatementKind
  /** For the backend, in this order; the result is that of the first one. */
  readonly sql: readonly string[]
  /** Whose domains must exist before. */
  readonly types?: readonly RedshiftType[]
  /** The table whose writers it waits for. */
  readonly writes?: QualifiedName
  /** Refused in a transaction block, with this message. */
  readonly outside?: string
  /** A query that reads no table, and so takes no snapshot. */
  readonly isBare?: boolean
  /** A query whose values may be names. */
  readonly isCatalog?: boolean
  readonly copy?: CopyStatement
  readonly check?: ColumnCheck
  readonly insert?: InsertedLiterals
  readonly lateView?: LateView
  readonly setting?: { readonly name: string; readonly value: string }
}

/** What must hold of a column that ALTER TABLE changes the type of, or drops. */
export interface ColumnCheck {
  readonly table: QualifiedName
  readonly column: string
  /** The size that its VARCHAR is to have; `null`: it is to go. */
  readonly bytes: number | null
}

/** Of INSERT … VALUES: which values are nothing but a string. */
export interface InsertedLiterals {
  readonly table: QualifiedName
  /** `null`: all, in their order. */
  readonly columns: readonly string[] | null
  readonly places: ReadonlySet<number>
}

/** A view that is nothing but the text of its query; `null`: it is to go. */
export interface LateView {
  /** As PostgreSQL would write it. */
  readonly name: string
  readonly query: readonly Token[] | null
}

/** ALTER TABLE: one action a statement, and of types nothing but the size of a VARCHAR. */

import { columnSql, parseColumn } from './create-table.ts'
import type { QueryContext } from './expression.ts'
import { isOp } from './lexer.ts'
import { refuse } from './sql-error.ts'
import type { Statement } from './statement.ts'
import { qualified, quoted, type QualifiedName, type Tokens } from './tokens.ts'
import { columnType, parseType } from './types.ts'

/** Everything behind `ALTER TABLE`. */
export function alterTable(tokens: Tokens, context: QueryContext): Statement {
  const table = tokens.qualifiedName()
  const statement = action(tokens, table, context)
  if (tokens.isOp(','))
    refuse('ddl.one-action', 'only one action per ALTER TABLE is supported', '42601')
  tokens.end()
  return statement
}

function action(tokens: Tokens, table: QualifiedName, context: QueryContext): Statement {
  const alter = `ALTER TABLE ${qualified(table)}`
  if (tokens.accept('add')) return add(tokens, alter, context)
  if (tokens.accept('drop')) return drop(tokens, table)
  if (tokens.accept('rename')) return rename(tokens, alter)
  if (tokens.accept('append', 'from')) return append(tokens, table)
  tokens.expect('alter')
  tokens.accept('column')
  return alterColumn(tokens, table)
}

function add(tokens: Tokens, alter: string, context: QueryContext): Statement {
  tokens.accept('column')
  if (tokens.isWord('if')) {
    refuse('ddl.add-no-if-not-exists', 'syntax error at or near "not"', '42601')
  }
  const column = parseColumn(tokens, context)
  if (column.marks.size > 0) {
    refuse('ddl.add-key', 'ADD COLUMN with a key is not supported')
  }
  if (column.isNotNull && column.defaultSql === null) {
    refuse(
      'ddl.add-not-null',
      'ALTER TABLE ADD COLUMN defined as NOT NULL must have a non-null default expression',
    )
  }
  return { kind: 'alter', sql: [`${alter} ADD COLUMN ${columnSql(column)}`], types: [column.type] }
}

function drop(tokens: Tokens, table: QualifiedName): Statement {
  tokens.accept('column')
  const column = tokens.name()
  const isCascade = tokens.accept('cascade')
  tokens.accept('restrict')
  const cascade = isCascade ? ' CASCADE' : ''
  return {
    kind: 'alter',
    sql: [`ALTER TABLE ${qualified(table)} DROP COLUMN ${quoted(column)}${cascade}`],
    check: { table, column, bytes: null },
  }
}

function rename(tokens: Tokens, alter: string): Statement {
  if (tokens.accept('to'))
    return { kind: 'alter', sql: [`${alter} RENAME TO ${quoted(tokens.name())}`] }
  tokens.accept('column')
  const from = quoted(tokens.name())
  tokens.expect('to')
  return { kind: 'alter', sql: [`${alter} RENAME COLUMN ${from} TO ${quoted(tokens.name())}`] }
}

function append(tokens: Tokens, table: QualifiedName): Statement {
  const source = qualified(tokens.qualifiedName())
  return {
    kind: 'alter',
    sql: [`INSERT INTO ${qualified(table)} SELECT * FROM ${source}`, `DELETE FROM ${source}`],
    outside: 'ALTER TABLE APPEND cannot run inside a transaction block',
  }
}

function alterColumn(tokens: Tokens, table: QualifiedName): Statement {
  const column = tokens.name()
  if (!tokens.accept('type')) {
    return refuse(
      'ddl.no-column-change',
      `syntax error at or near "${tokens.peek()?.text ?? ''}"`,
      '42601',
    )
  }
  const type = parseType(tokens)
  const isMore = !tokens.isDone && !isOp(tokens.peek(), ',')
  if (type.name !== 'character varying' || isMore) {
    refuse(
      'ddl.type-varchar-only',
      `ALTER COLUMN TYPE: column "${column}" is of an unsupported type`,
    )
  }
  return {
    kind: 'alter',
    sql: [
      `ALTER TABLE ${qualified(table)} ALTER COLUMN ${quoted(column)} TYPE ${columnType(type)}`,
    ],
    types: [type],
    outside: 'ALTER TABLE ALTER COLUMN cannot run inside a transaction block',
    check: { table, column, bytes: type.args[0]! },
  }
}

/** INSERT, UPDATE, DELETE and MERGE. */

import { rewrite, type QueryContext } from './expression.ts'
import { isOp, isWord, type Token } from './lexer.ts'
import { refuse, unknown } from './sql-error.ts'
import type { Statement } from './statement.ts'
import { qualified, quoted, Tokens, type QualifiedName } from './tokens.ts'

/** Everything behind `INSERT INTO`. */
export function insert(tokens: Tokens, context: QueryContext): Statement {
  const table = tokens.qualifiedName()
  const columns = tokens.isOp('(') ? tokens.names() : null
  const listed = columns === null ? '' : ` (${columns.map(quoted).join(', ')})`
  const head = `INSERT INTO ${qualified(table)}${listed}`
  if (tokens.isWord('select', 'with')) {
    return { kind: 'insert', sql: [`${head} ${rewrite(tokens.rest(), context)}`], writes: table }
  }
  tokens.expect('values')
  const rows: string[] = []
  const places = new Set<number>()
  do {
    const row = tokens.group()
    for (const place of literalsOf(row)) places.add(place)
    rows.push(`(${rewrite(row, context)})`)
  } while (tokens.acceptOp(','))
  // What else may stand here is known by name to be refused.
  if (!tokens.isDone) rewrite(tokens.rest(), context)
  tokens.end()
  return {
    kind: 'insert',
    sql: [`${head} VALUES ${rows.join(', ')}`],
    writes: table,
    insert: { table, columns, places },
  }
}

/** Places of the values that are strings, and nothing else. */
function literalsOf(row: readonly Token[]): number[] {
  const tokens = new Tokens(row)
  const places: number[] = []
  for (let place = 0; !tokens.isDone; place++) {
    const value = tokens.until((token) => isOp(token, ','))
    if (value.length === 1 && value[0]!.kind === 'string') places.push(place)
    tokens.acceptOp(',')
  }
  return places
}

/** Everything behind `UPDATE`. */
export function update(tokens: Tokens, context: QueryContext): Statement {
  const table = tokens.qualifiedName()
  const alias = tokens.isWord('set') ? '' : ` AS ${aliasOf(tokens)}`
  tokens.expect('set')
  const rest = tokens.rest()
  const from = new Tokens(rest)
  from.until((token) => isWord(token, 'from'))
  if (from.accept('from')) requireEquijoin(from)
  const sql = `UPDATE ${qualified(table)}${alias} SET ${rewrite(rest, context)}`
  return { kind: 'update', sql: [sql], writes: table }
}

function aliasOf(tokens: Tokens): string {
  tokens.accept('as')
  return quoted(tokens.name())
}

/** Somewhere at the top of its WHERE, `a.b = c.d` with different tables. */
function requireEquijoin(from: Tokens): void {
  from.until((token) => isWord(token, 'where'))
  from.accept('where')
  while (!from.isDone) {
    const one = from.until((token) => isWord(token, 'and', 'or'))
    if (isEquijoin(one)) return
    if (!from.isDone) from.take()
  }
  refuse('sql.update-equijoin', 'Target table must be part of an equijoin predicate')
}

function isEquijoin(tokens: readonly Token[]): boolean {
  const middle = tokens.findIndex((token) => isOp(token, '='))
  if (middle < 0) return false
  const [left, right] = [tokens.slice(0, middle), tokens.slice(middle + 1)]
  return isColumn(left) && isColumn(right) && left.at(-3)!.text !== right.at(-3)!.text
}

function isColumn(tokens: readonly Token[]): boolean {
  const isName = (token: Token): boolean => token.kind === 'word' || token.kind === 'quoted'
  const isPath = tokens.every((token, i) => (i % 2 === 0 ? isName(token) : isOp(token, '.')))
  return isPath && tokens.length >= 3
}

/** Everything behind `DELETE FROM`. */
export function remove(tokens: Tokens, context: QueryContext): Statement {
  const table = tokens.qualifiedName()
  const hasAlias = !tokens.isDone && !tokens.isWord('using', 'where', 'returning')
  if (hasAlias) {
    const near = tokens.peek()?.text ?? ''
    refuse('sql.delete-alias', `syntax error at or near "${near}"`, '42601')
  }
  const using = tokens.accept('using') ? tokens.until((token) => isWord(token, 'where')) : null
  const joined = using === null ? '' : ` USING ${rewrite(using, context)}`
  const sql = `DELETE FROM ${qualified(table)}${joined} ${rewrite(tokens.rest(), context)}`
  return { kind: 'delete', sql: [sql.trimEnd()], writes: table }
}

/** Everything behind `MERGE INTO`. */
export function merge(tokens: Tokens, context: QueryContext): Statement {
  const table = tokens.qualifiedName()
  if (!tokens.isWord('using')) {
    refuse('merge.alias', `syntax error at or near "${tokens.peek()?.text ?? ''}"`, '42601')
  }
  tokens.expect('using')
  const source = tokens.until((token) => isWord(token, 'on'))
  requireOther(source, table)
  tokens.expect('on')
  const isEnd = (token: Token): boolean => isWord(token, 'when', 'remove')
  const on = rewrite(tokens.until(isEnd), context)
  const using = rewrite(source, context)
  if (tokens.accept('remove', 'duplicates')) {
    tokens.end()
    return removeDuplicates({ table, using, on })
  }
  const clauses = matchClauses(tokens, context)
  const sql = `MERGE INTO ${qualified(table)} USING ${using} ON ${on} ${clauses}`
  return { kind: 'merge', sql: [sql], writes: table }
}

function requireOther(source: readonly Token[], { name }: QualifiedName): void {
  const reads = source.some(
    (token, i) =>
      (token.kind === 'word' || token.kind === 'quoted') &&
      token.text === name &&
      (i === 0 || isWord(source[i - 1], 'from', 'join') || isOp(source[i - 1], '.')) &&
      !isOp(source[i + 1], '.'),
  )
  if (reads) refuse('merge.self', 'Source table or view in MERGE must not read the target table')
}

function matchClauses(tokens: Tokens, context: QueryContext): string {
  tokens.expect('when')
  if (tokens.isWord('not')) needsBoth()
  tokens.expect('matched')
  noPredicate(tokens)
  tokens.expect('then')
  const then = tokens.accept('delete') ? 'DELETE' : updateClause(tokens, context)
  if (tokens.isDone) needsBoth()
  tokens.expect('when', 'not', 'matched')
  noPredicate(tokens)
  tokens.expect('then', 'insert')
  const columns = tokens.isOp('(') ? `(${tokens.names().map(quoted).join(', ')}) ` : ''
  tokens.expect('values')
  const values = rewrite(tokens.group(), context)
  tokens.end()
  return `WHEN MATCHED THEN ${then} WHEN NOT MATCHED THEN INSERT ${columns}VALUES (${values})`
}

function updateClause(tokens: Tokens, context: QueryContext): string {
  tokens.expect('update', 'set')
  // WHEN of a CASE stands before its END, so only one that is followed by [NOT] MATCHED is ours.
  const set: Token[] = []
  while (!tokens.isDone && !(tokens.isWord('when') && isMatched(tokens))) set.push(tokens.take())
  return `UPDATE SET ${rewrite(set, context)}`
}

function isMatched(tokens: Tokens): boolean {
  return isWord(tokens.peek(1), 'matched') || isWord(tokens.peek(2), 'matched')
}

function noPredicate(tokens: Tokens): void {
  if (tokens.isWord('and')) {
    refuse('merge.and', 'Additional predicate in WHEN MATCHED clause is not supported')
  }
}

function needsBoth(): never {
  return refuse(
    'merge.both',
    'MERGE needs WHEN MATCHED and WHEN NOT MATCHED, in this order',
    '42601',
  )
}

function removeDuplicates(parts: { table: QualifiedName; using: string; on: string }): Statement {
  const { table, using, on } = parts
  if (/\bSELECT\b/.test(using) && !/ AS "/.test(using)) unknown('a source without an alias')
  return {
    kind: 'merge',
    sql: [
      `DELETE FROM ${qualified(table)} USING ${using} WHERE ${on}`,
      `INSERT INTO ${qualified(table)} SELECT DISTINCT * FROM ${using}`,
    ],
    writes: table,
  }
}

/**
 * SQL text as tokens, by the rules of Redshift: a backslash in a string escapes, and identifiers are
 * folded to lower case even in quotes, unless the session has asked for their case.
 */

import { cutName } from './long-names.ts'
import { refuse, unknown } from './sql-error.ts'

export type TokenKind = 'word' | 'quoted' | 'string' | 'number' | 'op' | 'param'

export interface Token {
  readonly kind: TokenKind
  /** Words folded; quoted identifiers and strings with their quotes and escapes resolved. */
  readonly text: string
  /** Where it begins and ends in the statement. */
  readonly start: number
  readonly end: number
}

export interface LexerOptions {
  /** enable_case_sensitive_identifier */
  readonly isCaseSensitive: boolean
}

const BLANK = /(?:\s+|--[^\n]*|\/\*[\s\S]*?\*\/)+/y
const WORD = /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y
const NUMBER = /(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/y
const PARAM = /\$\d+/y
const OPERATOR = /::|<>|!=|<=|>=|\|\||<<|>>|[-+*/%=<>&|#~(),.;[\]:]/y
const MAX_NAME_BYTES = 127

const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  b: '\b',
  f: '\f',
}

export function tokenize(sql: string, options: LexerOptions): Token[] {
  const tokens: Token[] = []
  let at = skip(sql, 0)
  while (at < sql.length) {
    const token = next(sql, at, options)
    tokens.push(token)
    at = skip(sql, token.end)
  }
  return tokens
}

/** Statements of one message, without the empty ones. */
export function splitStatements(tokens: readonly Token[]): Token[][] {
  const statements: Token[][] = [[]]
  for (const token of tokens) {
    if (isOp(token, ';')) statements.push([])
    else statements.at(-1)!.push(token)
  }
  return statements.filter(({ length }) => length > 0)
}

export function isOp(token: Token | undefined, text: string): boolean {
  return token?.kind === 'op' && token.text === text
}

export function isWord(token: Token | undefined, ...words: readonly string[]): boolean {
  return token?.kind === 'word' && words.includes(token.text)
}

function skip(sql: string, at: number): number {
  BLANK.lastIndex = at
  return at + (BLANK.exec(sql)?.[0].length ?? 0)
}

function next(sql: string, start: number, options: LexerOptions): Token {
  const first = sql[start]!
  if (first === "'") return stringToken(sql, start)
  if (first === '"') return quotedToken(sql, start, options)
  for (const [kind, pattern] of [
    ['word', WORD],
    ['number', NUMBER],
    ['param', PARAM],
    ['op', OPERATOR],
  ] as const) {
    pattern.lastIndex = start
    const found = pattern.exec(sql)?.[0]
    if (found === undefined) continue
    const text = kind === 'word' ? name(fold(found)) : found
    const end = start + found.length
    // E'…', B'…', U&'…': plain literals do all that is needed.
    if (kind === 'word' && sql[end] === "'") unknown(`a literal with the prefix ${found}`)
    return { kind, text, start, end }
  }
  return unknown(`the character ${JSON.stringify(first)}`)
}

function stringToken(sql: string, start: number): Token {
  let text = ''
  let at = start + 1
  for (;;) {
    const character = sql[at++]
    if (character === undefined) refuse('sql.backslash', 'unterminated quoted string', '42601')
    if (character === "'") {
      if (sql[at] !== "'") break
      at++
      text += "'"
    } else if (character === '\\') {
      const octal = /^[0-7]{1,3}/.exec(sql.slice(at, at + 3))?.[0]
      const escaped = sql[at]
      if (escaped === undefined) refuse('sql.backslash', 'unterminated quoted string', '42601')
      at += octal?.length ?? 1
      text += octal ? String.fromCharCode(parseInt(octal, 8)) : (ESCAPES[escaped] ?? escaped)
    } else {
      text += character
    }
  }
  return { kind: 'string', text, start, end: at }
}

function quotedToken(sql: string, start: number, { isCaseSensitive }: LexerOptions): Token {
  const found = /^"((?:[^"]|"")*)"/.exec(sql.slice(start))
  if (found === null) return refuse('sql.fold', 'unterminated quoted identifier', '42601')
  const text = found[1]!.replaceAll('""', '"')
  if (text === '') refuse('sql.fold', 'zero-length delimited identifier', '42601')
  const end = start + found[0].length
  return { kind: 'quoted', text: name(isCaseSensitive ? text : fold(text)), start, end }
}

/** ASCII letters alone are folded. */
function fold(text: string): string {
  return text.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase())
}

/** What is too long is cut, and nobody is told. */
function name(text: string): string {
  return cutName(text, MAX_NAME_BYTES)
}

/**
 * Queries and expressions as PostgreSQL understands them, token by token.
 *
 * Names come out quoted, strings with standard escapes, functions under the names of their stand-ins.
 * Only casts need more than one token: `x::VARCHAR(4)` cuts, where PostgreSQL's cast to `bpchar` does
 * not.
 */

import { isOp, isWord, type Token } from './lexer.ts'
import { shortName } from './long-names.ts'
import { refuse, unknown } from './sql-error.ts'
import { literal, qualified, quoted, Tokens } from './tokens.ts'
import { castType, parseType, type RedshiftType } from './types.ts'
import {
  FUNCTIONS,
  KEYWORDS,
  LAST_COPY_COUNT,
  OPERATORS,
  refuseUnsupported,
  RESERVED,
} from './vocabulary.ts'

export interface QueryContext {
  readonly lastCopyCount: number
  /** Whether the statement came with bind parameters, and may have them. */
  readonly mayBind: boolean
  /** Late-binding ones, by their qualified names: read wherever they stand behind FROM or JOIN. */
  readonly views: ReadonlyMap<string, readonly Token[]>
}

const SYSTEM_SCHEMAS: ReadonlySet<string> = new Set(['pg_catalog', 'information_schema'])
/** Relations of the system that can be read, and their stand-ins. */
const SYSTEM_RELATIONS: ReadonlyMap<string, string> = new Map([
  ['information_schema.columns', 'redshift_system.svv_columns'],
  ['information_schema.tables', 'redshift_system.svv_tables'],
  ['pg_catalog.pg_namespace', 'pg_catalog.pg_namespace'],
  ['pg_catalog.pg_class', 'pg_catalog.pg_class'],
])

export function rewrite(tokens: readonly Token[], context: QueryContext): string {
  return new Rewriter(tokens, context).run().join(' ')
}

/** Whether names are compared as values. */
export function readsCatalog(tokens: readonly Token[]): boolean {
  return tokens.some(
    ({ kind, text }) =>
      kind === 'word' && (/^(svv|stv|pg)_/.test(text) || text === 'information_schema'),
  )
}

class Rewriter {
  readonly #tokens: readonly Token[]
  readonly #context: QueryContext
  #out: string[] = []
  readonly #isCatalog: boolean
  #at = 0

  constructor(tokens: readonly Token[], context: QueryContext) {
    this.#tokens = tokens
    this.#isCatalog = readsCatalog(tokens)
    this.#context = context
  }

  run(): string[] {
    while (this.#at < this.#tokens.length) this.#next()
    return this.#out
  }

  #next(): void {
    const token = this.#tokens[this.#at]!
    refuseUnsupported(this.#tokens, this.#at)
    switch (token.kind) {
      case 'string':
        return this.#put(literal(this.#isCatalog ? shortName(token.text) : token.text))
      case 'number':
        return this.#put(token.text)
      case 'param':
        if (!this.#context.mayBind) refuse('wire.binds', 'bind parameters are not supported here')
        return this.#put(token.text)
      case 'quoted':
        return this.#name(token.text)
      case 'op':
        return this.#operator(token.text)
      case 'word':
        return this.#word(token.text)
    }
  }

  #put(piece: string, taken = 1): void {
    this.#out.push(piece)
    this.#at += taken
  }

  #operator(text: string): void {
    if (text === '::') return this.#postfixCast()
    if (text === '[') refuse('sql.no-arrays', 'subscripts are not known here')
    if (!OPERATORS.has(text)) unknown(`the operator ${text}`)
    this.#put(text)
  }

  #word(text: string): void {
    const isBehindDot = isOp(this.#tokens[this.#at - 1], '.')
    const opens = isOp(this.#tokens[this.#at + 1], '(')
    if (isBehindDot) return this.#name(text)
    if (text === 'cast' && opens) return this.#cast()
    if (KEYWORDS.has(text)) return this.#put(text.toUpperCase())
    if (RESERVED.has(text)) unknown(`the word ${text.toUpperCase()}`)
    if (opens) return this.#function(text)
    this.#name(text)
  }

  #function(name: string): void {
    if (name === LAST_COPY_COUNT) {
      this.#out.push(`redshift_system.${name}`, '(')
      return this.#put(String(this.#context.lastCopyCount), 2)
    }
    const known = FUNCTIONS.get(name)
    if (known === undefined) return unknown(`the function ${name}`)
    this.#put(known)
  }

  /** A name, or `schema.relation` of the system. */
  #name(text: string): void {
    const isFirst = !isOp(this.#tokens[this.#at - 1], '.')
    if (isFirst && SYSTEM_SCHEMAS.has(text)) {
      const relation = `${text}.${this.#tokens[this.#at + 2]?.text ?? ''}`
      const known = SYSTEM_RELATIONS.get(relation)
      return known === undefined ? unknown(`the relation ${relation}`) : this.#put(known, 3)
    }
    const isRelation = isWord(this.#tokens[this.#at - 1], 'from', 'join')
    if (isRelation && this.#lateView()) return
    if (isRelation && text.startsWith('pg_') && !SYSTEM_RELATIONS.has(`pg_catalog.${text}`)) {
      unknown(`the relation ${text}`)
    }
    this.#put(quoted(text))
  }

  /** Puts the query of a late-binding view where its name stands. */
  #lateView(): boolean {
    const name = new Tokens(this.#tokens.slice(this.#at)).qualifiedName()
    const query = this.#context.views.get(qualified(name))
    if (query === undefined) return false
    const taken = name.schema === null ? 1 : 3
    const next = this.#tokens[this.#at + taken]
    const hasAlias =
      isWord(next, 'as') ||
      next?.kind === 'quoted' ||
      (next?.kind === 'word' && !KEYWORDS.has(next.text) && !RESERVED.has(next.text))
    const alias = hasAlias ? '' : ` AS ${quoted(name.name)}`
    this.#put(`(${rewrite(query, this.#context)})${alias}`, taken)
    return true
  }

  /** `CAST (expression AS type)` */
  #cast(): void {
    const tokens = new Tokens(this.#tokens.slice(this.#at + 1))
    const group = tokens.group()
    const inner = new Tokens(group)
    const value = inner.until((token) => isWord(token, 'as'))
    inner.expect('as')
    const type = parseType(inner)
    inner.end()
    this.#put(cast(`(${rewrite(value, this.#context)})`, type), group.length + 3)
  }

  /** `value::type`: what it is applied to is the name, the literal, the call or the parenthesis before it. */
  #postfixCast(): void {
    const rest = this.#tokens.slice(this.#at + 1)
    const tokens = new Tokens(rest)
    const type = parseType(tokens)
    const taken = rest.length - tokens.rest().length
    const from = this.#beginOfPrimary()
    const value = this.#out.slice(from).join(' ')
    this.#out = this.#out.slice(0, from)
    this.#put(cast(value, type), taken + 1)
  }

  #beginOfPrimary(): number {
    let at = this.#out.length - 1
    if (this.#out[at] === ')') {
      for (let depth = 1; depth > 0 && at > 0;) {
        at--
        if (this.#out[at] === ')') depth++
        else if (this.#out[at] === '(') depth--
      }
      return at > 0 && /^[a-z_.\d]+$/.test(this.#out[at - 1]!) ? at - 1 : at
    }
    while (at > 1 && this.#out[at - 1] === '.') at -= 2
    if (at < 0) unknown('a cast of nothing')
    return at
  }
}

function cast(value: string, type: RedshiftType): string {
  const isNull = value === 'NULL' || value === '( NULL )' || value === '(NULL)'
  if (type.name === 'character varying' && !isNull) {
    return `redshift_system.cut(CAST(${value} AS bpchar), ${type.args[0]!})`
  }
  if (!isNull && (type.name === 'super' || type.name === 'binary varying')) {
    unknown(`a cast to ${type.name}`)
  }
  return `CAST(${value} AS ${castType(type)})`
}

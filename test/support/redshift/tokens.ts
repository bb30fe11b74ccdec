/** A cursor over the tokens of one statement, and names and literals as PostgreSQL reads them. */

import { isOp, isWord, type Token } from './lexer.ts'
import { shortName } from './long-names.ts'
import { refuse, SqlError } from './sql-error.ts'

export interface QualifiedName {
  readonly schema: string | null
  readonly name: string
}

export class Tokens {
  readonly #tokens: readonly Token[]
  #at = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  get isDone(): boolean {
    return this.#at === this.#tokens.length
  }

  peek(ahead = 0): Token | undefined {
    return this.#tokens[this.#at + ahead]
  }

  take(): Token {
    const token = this.peek()
    if (token === undefined) throw new SqlError('syntax error at end of input', { code: '42601' })
    this.#at++
    return token
  }

  isWord(...words: readonly string[]): boolean {
    return isWord(this.peek(), ...words)
  }

  isOp(text: string): boolean {
    return isOp(this.peek(), text)
  }

  /** Takes the words if they all stand here, one behind the other. */
  accept(...words: readonly string[]): boolean {
    if (!words.every((word, i) => isWord(this.peek(i), word))) return false
    this.#at += words.length
    return true
  }

  acceptOp(text: string): boolean {
    if (!this.isOp(text)) return false
    this.#at++
    return true
  }

  expect(...words: readonly string[]): void {
    for (const word of words) if (!this.accept(word)) this.fail()
  }

  expectOp(text: string): void {
    if (!this.acceptOp(text)) this.fail()
  }

  end(): void {
    if (!this.isDone) this.fail()
  }

  fail(): never {
    const near = this.peek()
    if (near === undefined) throw new SqlError('syntax error at end of input', { code: '42601' })
    return refuse('sql.fail-closed', `syntax error at or near "${near.text}"`, '42601')
  }

  name(): string {
    const token = this.take()
    if (token.kind === 'word' || token.kind === 'quoted') return token.text
    this.#at--
    return this.fail()
  }

  qualifiedName(): QualifiedName {
    const first = this.name()
    return this.acceptOp('.') ? { schema: first, name: this.name() } : { schema: null, name: first }
  }

  string(): string {
    const token = this.take()
    if (token.kind === 'string') return token.text
    this.#at--
    return this.fail()
  }

  integer(): number {
    const token = this.take()
    if (token.kind === 'number' && /^\d+$/.test(token.text)) return Number(token.text)
    this.#at--
    return this.fail()
  }

  /** `(a, b)` */
  names(): string[] {
    this.expectOp('(')
    const names = [this.name()]
    while (this.acceptOp(',')) names.push(this.name())
    this.expectOp(')')
    return names
  }

  /** What stands between here and its closing parenthesis. */
  group(): Token[] {
    this.expectOp('(')
    const from = this.#at
    for (let depth = 1; depth > 0;) {
      const token = this.take()
      if (isOp(token, '(')) depth++
      else if (isOp(token, ')')) depth--
    }
    return this.#tokens.slice(from, this.#at - 1)
  }

  /** Tokens up to one of the words at this depth, or to a comma if it is one of the ends. */
  until(isEnd: (token: Token) => boolean): Token[] {
    const from = this.#at
    for (let depth = 0; !this.isDone; this.#at++) {
      const token = this.peek()!
      if (depth === 0 && isEnd(token)) break
      if (isOp(token, '(')) depth++
      else if (isOp(token, ')')) depth--
    }
    return this.#tokens.slice(from, this.#at)
  }

  rest(): Token[] {
    const from = this.#at
    this.#at = this.#tokens.length
    return this.#tokens.slice(from)
  }
}

export function quoted(name: string): string {
  return `"${shortName(name).replaceAll('"', '""')}"`
}

export function qualified({ schema, name }: QualifiedName): string {
  return schema === null ? quoted(name) : `${quoted(schema)}.${quoted(name)}`
}

export function literal(text: string): string {
  if (text.includes('\0'))
    refuse('sql.nul', 'invalid byte sequence for encoding "UTF8": 0x00', '22021')
  return `'${text.replaceAll("'", "''")}'`
}

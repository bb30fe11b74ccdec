/**
 * Redshift's types, their limits, and the PostgreSQL types that stand in for them.
 *
 * Where PostgreSQL has no such type, a column gets a domain whose name is the Redshift type as the
 * catalog spells it, `"character varying(256)"`, made when it is first needed. Strings are `bpchar`
 * without a length: it keeps trailing blanks and leaves them out of comparisons, as Redshift does.
 */

import { isWord } from './lexer.ts'
import { refuse, unknown } from './sql-error.ts'
import { quoted, type Tokens } from './tokens.ts'

export type TypeName =
  | 'smallint' | 'integer' | 'bigint' | 'real' | 'double precision' | 'boolean'
  | 'numeric' | 'character' | 'character varying' | 'binary varying' | 'super'
  | 'date' | 'time without time zone' | 'time with time zone'
  | 'timestamp without time zone' | 'timestamp with time zone' // prettier-ignore

export interface RedshiftType {
  readonly name: TypeName
  readonly args: readonly number[]
}

const WORDS: Readonly<Record<string, TypeName>> = {
  smallint: 'smallint',
  int2: 'smallint',
  integer: 'integer',
  int: 'integer',
  int4: 'integer',
  bigint: 'bigint',
  int8: 'bigint',
  real: 'real',
  float4: 'real',
  float: 'double precision',
  float8: 'double precision',
  double: 'double precision',
  boolean: 'boolean',
  bool: 'boolean',
  numeric: 'numeric',
  decimal: 'numeric',
  char: 'character',
  character: 'character',
  nchar: 'character',
  varchar: 'character varying',
  nvarchar: 'character varying',
  text: 'character varying',
  varbyte: 'binary varying',
  varbinary: 'binary varying',
  super: 'super',
  date: 'date',
  time: 'time without time zone',
  timetz: 'time with time zone',
  timestamp: 'timestamp without time zone',
  timestamptz: 'timestamp with time zone',
}

const SIZES: ReadonlyMap<TypeName, { usual: number; max: number }> = new Map([
  ['character varying', { usual: 256, max: 65_535 }],
  ['character', { usual: 1, max: 4096 }],
  ['binary varying', { usual: 64_000, max: 16_777_216 }],
])
const MAX_PRECISION = 38
const MAX_SCALE = 37

/** Reads a type, and refuses those of PostgreSQL that Redshift lacks. */
export function parseType(tokens: Tokens): RedshiftType {
  const word = tokens.peek()
  const first = word?.kind === 'word' ? word.text : ''
  let name = WORDS[first]
  if (name === undefined) {
    const spelling = word?.text ?? 'nothing'
    return refuse('type.unsupported', `Column type "${spelling}" is not supported.`)
  }
  tokens.take()
  if (first === 'double') tokens.expect('precision')
  if (first === 'character' && tokens.accept('varying')) name = 'character varying'
  const args = tokens.isOp('(') ? parseArgs(tokens) : []
  name = withZone(tokens, name)
  if (tokens.isOp('[') || isWord(tokens.peek(), 'array')) {
    refuse('sql.no-arrays', `Column type "${first}[]" is not supported.`)
  }
  return limited(name, args)
}

function parseArgs(tokens: Tokens): number[] {
  tokens.expectOp('(')
  if (tokens.accept('max')) {
    tokens.expectOp(')')
    return [Infinity]
  }
  const args = [tokens.integer()]
  if (tokens.acceptOp(',')) args.push(tokens.integer())
  tokens.expectOp(')')
  return args
}

function withZone(tokens: Tokens, name: TypeName): TypeName {
  const isTime = name === 'time without time zone'
  if (!isTime && name !== 'timestamp without time zone') return name
  if (tokens.accept('with', 'time', 'zone')) {
    return isTime ? 'time with time zone' : 'timestamp with time zone'
  }
  tokens.accept('without', 'time', 'zone')
  return name
}

function limited(name: TypeName, args: readonly number[]): RedshiftType {
  const limits = SIZES.get(name)
  if (limits !== undefined) return sized(name, args, limits)
  if (name === 'numeric') return numeric(args)
  if (args.length > 0) unknown(`${name} with a length`)
  return { name, args: [] }
}

function sized(
  name: TypeName,
  args: readonly number[],
  { usual, max }: { usual: number; max: number },
): RedshiftType {
  const [given = usual, ...others] = args
  if (others.length > 0) unknown(`${name} with two lengths`)
  const size = given === Infinity ? max : given
  if (size < 1 || size > max) {
    const id = name === 'character' ? 'type.char' : 'type.varchar-bytes'
    const because = name === 'binary varying' ? 'type.varbyte' : id
    refuse(because, `length for type ${name} cannot exceed ${max}`, '22023')
  }
  return { name, args: [size] }
}

function numeric(args: readonly number[]): RedshiftType {
  const [precision = 18, scale = 0] = args
  const isFit = precision >= 1 && precision <= MAX_PRECISION && scale <= MAX_SCALE
  if (!isFit || scale > precision) {
    refuse(
      'type.numeric',
      `DECIMAL precision ${precision}, scale ${scale} is not supported`,
      '22023',
    )
  }
  return { name: 'numeric', args: [precision, scale] }
}

/** As the catalog spells it. */
export function typeText({ name, args }: RedshiftType): string {
  return args.length === 0 ? name : `${name}(${args.join(',')})`
}

/** For a column. */
export function columnType(type: RedshiftType): string {
  return domainOf(type) === null ? type.name : `redshift_system.${quoted(typeText(type))}`
}

/** What a cast makes of it; strings are cut by a function of ours, see `expression.ts`. */
export function castType({ name, args }: RedshiftType): string {
  if (name === 'numeric') return `numeric(${args.join(',')})`
  if (name === 'character varying') return 'bpchar'
  if (name === 'character') return `bpchar(${args[0]!})`
  if (name === 'binary varying') return 'bytea'
  return name === 'super' ? 'jsonb' : name
}

/** The definition of its domain behind the name; `null` for types that are PostgreSQL's own. */
export function domainOf({ name, args }: RedshiftType): string | null {
  const [size = 0, scale = 0] = args
  const has = `CHECK (octet_length(VALUE)`
  if (name === 'character varying') return `bpchar ${has} <= ${size})`
  // It is padded to the number of characters, so more bytes mean a character of several.
  if (name === 'character') return `bpchar(${size}) ${has} = ${size})`
  if (name === 'binary varying') return `bytea ${has} <= ${size})`
  if (name === 'super') return 'jsonb CHECK (redshift_system.is_super(VALUE))'
  if (name === 'time without time zone') return `${name} CHECK (VALUE < '24:00:00')`
  if (name === 'numeric') return numericDomain(size, scale)
  return FINITE.has(name) ? `${name} CHECK (isfinite(VALUE))` : null
}

const FINITE: ReadonlySet<TypeName> = new Set([
  'date',
  'timestamp without time zone',
  'timestamp with time zone',
])

function numericDomain(precision: number, scale: number): string {
  const is64Bit = precision === 19 && scale === 0
  const limit = is64Bit ? ' AND abs(VALUE) <= 9223372036854775807' : ''
  return `numeric(${precision},${scale}) CHECK (VALUE <> 'NaN'${limit})`
}

/** PostgreSQL's oid of a column of a result, as Redshift has it. */
const OIDS = new Map([
  [3802, 4000], // jsonb, SUPER
  [17, 6551], // bytea, VARBYTE
  [25, 1043], // text, VARCHAR
])
const BPCHAR = 1042
const VARCHAR = 1043

export function redshiftOid(oid: number, modifier: number): number {
  if (oid === BPCHAR && modifier === -1) return VARCHAR
  return OIDS.get(oid) ?? oid
}

const BYTEA = 17
/** VARBYTE is written without the mark that PostgreSQL puts before hex. */
export function redshiftText(oid: number, text: string | null): string | null {
  return oid === BYTEA && text !== null ? text.slice(2) : text
}

/**
 * CREATE TABLE: what PostgreSQL gets to see of it, and what is only kept in mind.
 *
 * Keys are not enforced. That a column belongs to one, or to the distribution or sort key, is kept as
 * a CHECK that is always true: it follows the column through renames and goes with it.
 */

import { rewrite, type QueryContext } from './expression.ts'
import { isOp, isWord, type Token } from './lexer.ts'
import { refuse, SqlError } from './sql-error.ts'
import { literal, qualified, quoted, Tokens } from './tokens.ts'
import { columnType, parseType, type RedshiftType } from './types.ts'

/** Marks of columns, by the beginning of their CHECK's name. */
export type Mark = 'key' | 'dist' | 'sort'

export interface ColumnDefinition {
  readonly name: string
  readonly type: RedshiftType
  isNotNull: boolean
  /** PostgreSQL's SQL. */
  defaultSql: string | null
  readonly marks: Set<Mark>
}

const SYSTEM_COLUMNS: ReadonlySet<string> = new Set([
  'oid', 'tableoid', 'xmin', 'cmin', 'xmax', 'cmax', 'ctid', 'deletexid', 'insertxid',
]) // prettier-ignore
const MAX_COLUMNS = 1600

export interface TableStatement {
  readonly sql: readonly string[]
  readonly types: readonly RedshiftType[]
}

/** Everything behind `CREATE [TEMP] TABLE`. */
export function createTable(
  tokens: Tokens,
  isTemp: boolean,
  context: QueryContext,
): TableStatement {
  const ifNotExists = tokens.accept('if', 'not', 'exists') ? 'IF NOT EXISTS ' : ''
  const name = tokens.qualifiedName()
  if (isTemp && name.schema !== null) {
    refuse('ddl.temp', 'cannot create temporary relation in non-temporary schema', '42P16')
  }
  const create = `CREATE ${isTemp ? 'TEMP ' : ''}TABLE ${ifNotExists}${qualified(name)}`
  const body = new Tokens(tokens.group())
  if (body.isWord('like')) {
    const sql = `${create} (${like(body)})`
    attributes(tokens, [])
    return { sql: [sql, ...(ifNotExists === '' ? [withoutKeys(qualified(name))] : [])], types: [] }
  }
  const columns = parseItems(body, context)
  attributes(tokens, columns)
  for (const column of columns) checkMarks(column)
  const items = columns.map((column) => columnSql(column))
  return { sql: [`${create} (${items.join(', ')})`], types: columns.map(({ type }) => type) }
}

function like(body: Tokens): string {
  body.expect('like')
  const source = qualified(body.qualifiedName())
  const withDefaults = body.accept('including', 'defaults') ? ' INCLUDING DEFAULTS' : ''
  body.accept('excluding', 'defaults')
  body.end()
  return `LIKE ${source} INCLUDING CONSTRAINTS${withDefaults}`
}

/** A table LIKE another is distributed and sorted as that one, but has no keys. */
function withoutKeys(table: string): string {
  return `DO $keys$ DECLARE name text; BEGIN
    FOR name IN SELECT conname FROM pg_constraint
                 WHERE conrelid = ${literal(table)}::regclass AND conname LIKE 'key of %' LOOP
      EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', ${literal(table)}::regclass, name);
    END LOOP; END $keys$`
}

function parseItems(body: Tokens, context: QueryContext): ColumnDefinition[] {
  const columns: ColumnDefinition[] = []
  do {
    if (body.isWord('primary', 'unique', 'foreign', 'constraint')) tableConstraint(body, columns)
    else columns.push(parseColumn(body, context))
  } while (body.acceptOp(','))
  body.end()
  if (columns.length > MAX_COLUMNS)
    refuse('ddl.attributes', 'tables can have at most 1600 columns', '54011')
  return columns
}

export function parseColumn(body: Tokens, context: QueryContext): ColumnDefinition {
  const name = body.name()
  if (SYSTEM_COLUMNS.has(name)) {
    refuse(
      'ddl.system-columns',
      `column name "${name}" conflicts with a system column name`,
      '42701',
    )
  }
  const column: ColumnDefinition = {
    name,
    type: parseType(body),
    isNotNull: false,
    defaultSql: null,
    marks: new Set(),
  }
  while (!body.isDone && !body.isOp(',')) columnOption(body, column, context)
  return column
}

function columnOption(body: Tokens, column: ColumnDefinition, context: QueryContext): void {
  if (body.accept('not', 'null')) column.isNotNull = true
  else if (body.accept('null')) column.isNotNull = false
  else if (body.accept('default')) column.defaultSql = rewrite(body.until(isOptionEnd), context)
  else if (body.accept('encode')) body.name()
  else if (body.accept('distkey')) column.marks.add('dist')
  else if (body.accept('sortkey')) column.marks.add('sort')
  else if (body.accept('primary', 'key')) addKey(column, true)
  else if (body.accept('unique')) addKey(column, false)
  else if (body.accept('references')) reference(body)
  else body.fail()
}

function isOptionEnd(token: Token): boolean {
  return (
    isOp(token, ',') ||
    isWord(token, 'encode', 'distkey', 'sortkey', 'primary', 'unique', 'references', 'not')
  )
}

function addKey(column: ColumnDefinition, isPrimary: boolean): void {
  column.marks.add('key')
  column.isNotNull ||= isPrimary
}

function reference(body: Tokens): void {
  body.qualifiedName()
  if (body.isOp('(')) body.names()
}

function tableConstraint(body: Tokens, columns: readonly ColumnDefinition[]): void {
  if (body.accept('constraint')) body.name()
  if (body.accept('foreign', 'key')) {
    body.names()
    body.expect('references')
    return reference(body)
  }
  const isPrimary = body.accept('primary', 'key')
  if (!isPrimary) body.expect('unique')
  for (const name of body.names()) addKey(named(columns, name), isPrimary)
}

/** What stands behind the columns. */
function attributes(tokens: Tokens, columns: readonly ColumnDefinition[]): void {
  let style: string | null = null
  while (!tokens.isDone) {
    if (tokens.accept('backup')) {
      if (!tokens.accept('yes')) tokens.expect('no')
    } else if (tokens.accept('diststyle')) {
      style = ['auto', 'even', 'key', 'all'].find((word) => tokens.accept(word)) ?? tokens.fail()
    } else if (tokens.accept('distkey')) {
      for (const name of tokens.names()) named(columns, name).marks.add('dist')
    } else if (tokens.accept('encode')) {
      tokens.expect('auto')
    } else {
      sortKey(tokens, columns)
    }
  }
  const distKeys = columns.filter(({ marks }) => marks.has('dist')).length
  const isWrong =
    distKeys > 1 || (style === 'key' ? distKeys === 0 : style !== null && distKeys > 0)
  if (isWrong) refuse('ddl.attributes', 'DISTSTYLE and DISTKEY do not fit each other', '42601')
}

function sortKey(tokens: Tokens, columns: readonly ColumnDefinition[]): void {
  if (!tokens.accept('compound')) tokens.accept('interleaved')
  tokens.expect('sortkey')
  if (tokens.accept('auto')) return
  for (const name of tokens.names()) named(columns, name).marks.add('sort')
}

function named(columns: readonly ColumnDefinition[], name: string): ColumnDefinition {
  const column = columns.find((one) => one.name === name)
  if (column === undefined) {
    throw new SqlError(`column "${name}" named in key does not exist`, { code: '42703' })
  }
  return column
}

function checkMarks({ name, type, marks }: ColumnDefinition): void {
  const isBlob = type.name === 'super' || type.name === 'binary varying'
  if (isBlob && (marks.has('dist') || marks.has('sort'))) {
    refuse('ddl.dist-type', `column "${name}" of type ${type.name} can be no dist or sort key`)
  }
}

export function columnSql({ name, type, isNotNull, defaultSql, marks }: ColumnDefinition): string {
  const notNull = isNotNull ? ' NOT NULL' : ''
  const value = defaultSql === null ? '' : ` DEFAULT ${defaultSql}`
  const checks = [...marks].map(
    (mark) => ` CONSTRAINT ${quoted(`${mark} of ${name}`)} CHECK (${quoted(name)} IS NULL OR true)`,
  )
  return `${quoted(name)} ${columnType(type)}${value}${notNull}${checks.join('')}`
}

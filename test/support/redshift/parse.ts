/**
 * From the tokens of a statement to what the session runs: the list of all statements that are known.
 *
 * Fail-closed: what begins in no way that stands here is refused, and so is a known statement with
 * anything left over.
 */

import { alterTable } from './alter-table.ts'
import { copyStatement } from './copy-statement.ts'
import { createTable } from './create-table.ts'
import { insert, merge, remove, update } from './dml.ts'
import { readsCatalog, rewrite, type QueryContext } from './expression.ts'
import { isWord, type Token } from './lexer.ts'
import { refuse, SqlError, unknown } from './sql-error.ts'
import type { Statement } from './statement.ts'
import { qualified, quoted, Tokens } from './tokens.ts'

type Parser = (tokens: Tokens, context: QueryContext) => Statement

/** Settings of a session that can be set, and whether the backend gets to know them. */
const SETTINGS: ReadonlyMap<string, boolean> = new Map([
  ['statement_timeout', true],
  ['search_path', false],
  ['timezone', true],
  ['datestyle', true],
  ['application_name', true],
  ['query_group', false],
  ['enable_case_sensitive_identifier', false],
  ['error_on_nondeterministic_update', false],
])

export function parse(all: readonly Token[], context: QueryContext): Statement {
  const tokens = new Tokens(all)
  const first = tokens.peek()!
  if (first.kind !== 'word') return tokens.fail()
  const parser = PARSERS[first.text]
  if (parser === undefined)
    return unknown(`a statement that begins with ${first.text.toUpperCase()}`)
  // A query is rewritten whole.
  if (first.text === 'select' || first.text === 'with') return select(tokens, context)
  tokens.take()
  return parser(tokens, context)
}

const PARSERS: Readonly<Record<string, Parser>> = {
  select,
  with: select,
  begin: (tokens) => begin(tokens),
  start: (tokens) => {
    tokens.expect('transaction')
    return begin(tokens)
  },
  commit: (tokens) => end(tokens, 'commit'),
  end: (tokens) => end(tokens, 'commit'),
  rollback: (tokens) => end(tokens, 'rollback'),
  abort: (tokens) => end(tokens, 'rollback'),
  savepoint: () => refuse('sql.no-savepoint', 'SAVEPOINT is not supported'),
  release: () => refuse('sql.no-savepoint', 'RELEASE SAVEPOINT is not supported'),
  lock: (tokens) => lock(tokens),
  insert: (tokens, context) => {
    tokens.expect('into')
    return insert(tokens, context)
  },
  update,
  delete: (tokens, context) => {
    tokens.expect('from')
    return remove(tokens, context)
  },
  merge: (tokens, context) => {
    tokens.expect('into')
    return merge(tokens, context)
  },
  copy: (tokens) => {
    const copy = copyStatement(tokens)
    return { kind: 'copy', sql: [], copy, writes: copy.table }
  },
  create,
  alter: (tokens, context) => {
    if (!tokens.accept('table')) return unknown('an ALTER of anything but a table')
    return alterTable(tokens, context)
  },
  drop,
  truncate: (tokens) => {
    tokens.accept('table')
    const table = qualified(tokens.qualifiedName())
    tokens.end()
    return { kind: 'truncate', sql: [`TRUNCATE ${table}`] }
  },
  vacuum: (tokens) => {
    tokens.rest()
    return { kind: 'vacuum', sql: [], outside: 'VACUUM cannot run inside a transaction block' }
  },
  analyze: (tokens) => {
    if (!tokens.isDone) tokens.qualifiedName()
    tokens.end()
    return { kind: 'analyze', sql: [] }
  },
  grant: (tokens) => grant(tokens, 'GRANT', 'to'),
  revoke: (tokens) => grant(tokens, 'REVOKE', 'from'),
  set: (tokens) => set(tokens),
  show: (tokens) => {
    const name = tokens.name()
    tokens.end()
    return { kind: 'show', sql: [], setting: { name, value: '' } }
  },
}

function select(tokens: Tokens, context: QueryContext): Statement {
  const all = tokens.rest()
  if (all.some((token) => isWord(token, 'into'))) unknown('SELECT INTO')
  const isBare = !all.some((token) => isWord(token, 'from'))
  return { kind: 'select', sql: [rewrite(all, context)], isBare, isCatalog: readsCatalog(all) }
}

/** The words of isolation are accepted and mean nothing. */
function begin(tokens: Tokens): Statement {
  if (!tokens.accept('transaction')) tokens.accept('work')
  if (tokens.accept('isolation', 'level')) {
    const levels = [['serializable'], ['snapshot'], ['read', 'committed'], ['repeatable', 'read']]
    if (!levels.some((words) => tokens.accept(...words))) tokens.fail()
  }
  if (!tokens.accept('read', 'write')) tokens.accept('read', 'only')
  tokens.end()
  return { kind: 'begin', sql: [] }
}

function end(tokens: Tokens, kind: 'commit' | 'rollback'): Statement {
  if (!tokens.accept('transaction')) tokens.accept('work')
  if (tokens.isWord('to')) refuse('sql.no-savepoint', 'ROLLBACK TO SAVEPOINT is not supported')
  tokens.end()
  return { kind, sql: [] }
}

/** Of its modes it has one, which has no name. */
function lock(tokens: Tokens): Statement {
  tokens.accept('table')
  const tables = [qualified(tokens.qualifiedName())]
  while (tokens.acceptOp(',')) tables.push(qualified(tokens.qualifiedName()))
  tokens.end()
  return { kind: 'lock', sql: [`LOCK TABLE ${tables.join(', ')} IN ACCESS EXCLUSIVE MODE`] }
}

function create(tokens: Tokens, context: QueryContext): Statement {
  const orReplace = tokens.accept('or', 'replace')
  if (tokens.accept('view')) return createView(tokens, context, orReplace)
  if (tokens.accept('schema')) return createSchema(tokens)
  tokens.accept('local')
  const isTemp = tokens.accept('temp') || tokens.accept('temporary')
  if (!tokens.accept('table')) {
    const what = (tokens.peek()?.text ?? '').toUpperCase()
    return refuse('sql.no-objects', `CREATE ${what} is not supported or not known here`)
  }
  return { kind: 'create', ...createTable(tokens, isTemp, context) }
}

function createView(tokens: Tokens, context: QueryContext, orReplace: boolean): Statement {
  const name = qualified(tokens.qualifiedName())
  tokens.expect('as')
  const query = tokens.rest()
  const last = query.slice(-4)
  if (['with', 'no', 'schema', 'binding'].every((word, i) => isWord(last[i], word))) {
    // Nothing is looked up; but what is not known is refused at once.
    rewrite(query.slice(0, -4), context)
    return { kind: 'create', sql: [], lateView: { name, query: query.slice(0, -4) } }
  }
  const verb = orReplace ? 'CREATE OR REPLACE VIEW' : 'CREATE VIEW'
  return { kind: 'create', sql: [`${verb} ${name} AS ${rewrite(query, context)}`] }
}

function createSchema(tokens: Tokens): Statement {
  const ifNotExists = tokens.accept('if', 'not', 'exists') ? 'IF NOT EXISTS ' : ''
  const name = quoted(tokens.name())
  tokens.end()
  return { kind: 'create', sql: [`CREATE SCHEMA ${ifNotExists}${name}`] }
}

function drop(tokens: Tokens, { views }: QueryContext): Statement {
  const what = ['table', 'view', 'schema'].find((word) => tokens.accept(word))
  if (what === undefined) {
    return refuse('sql.no-objects', 'DROP of this is not supported or not known here')
  }
  const ifExists = tokens.accept('if', 'exists') ? 'IF EXISTS ' : ''
  const names = [qualified(tokens.qualifiedName())]
  while (tokens.acceptOp(',')) names.push(qualified(tokens.qualifiedName()))
  const cascade = tokens.accept('cascade') ? ' CASCADE' : ''
  tokens.accept('restrict')
  tokens.end()
  const [name, ...others] = names
  if (what === 'view' && others.length === 0 && views.has(name!)) {
    return { kind: 'drop', sql: [], lateView: { name: name!, query: null } }
  }
  return {
    kind: 'drop',
    sql: [`DROP ${what.toUpperCase()} ${ifExists}${names.join(', ')}${cascade}`],
  }
}

const PRIVILEGES = ['select', 'insert', 'update', 'delete', 'usage', 'all']

/** Of one privilege on a table or a schema, to PUBLIC: there are no other users. */
function grant(tokens: Tokens, verb: string, direction: string): Statement {
  const privilege = PRIVILEGES.find((word) => tokens.accept(word)) ?? tokens.fail()
  tokens.expect('on')
  const what = tokens.accept('schema') ? 'SCHEMA' : 'TABLE'
  if (what === 'TABLE') tokens.accept('table')
  const name = qualified(tokens.qualifiedName())
  tokens.expect(direction, 'public')
  tokens.end()
  const words = `${verb} ${privilege.toUpperCase()} ON ${what} ${name}`
  return { kind: 'grant', sql: [`${words} ${direction.toUpperCase()} PUBLIC`] }
}

function set(tokens: Tokens): Statement {
  tokens.accept('session')
  const name = tokens.name()
  if (!tokens.acceptOp('=')) tokens.expect('to')
  const value = tokens
    .rest()
    .map(({ text }) => text)
    .join(' ')
  const isBackends = SETTINGS.get(name)
  if (isBackends === undefined) {
    throw new SqlError(`unrecognized configuration parameter "${name}"`, { code: '42704' })
  }
  if (name === 'search_path' && value !== 'public') unknown("a search_path of one's own")
  const sql = isBackends ? [`SET ${name} TO '${value.replaceAll("'", "''")}'`] : []
  return { kind: 'set', sql, setting: { name, value } }
}

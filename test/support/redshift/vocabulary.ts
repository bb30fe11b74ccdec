/**
 * The words, functions and operators that may stand in a query or an expression.
 *
 * Whatever is not listed is refused. PostgreSQL's own grammar is the second filter: what passes here
 * and makes no sense fails there.
 */

import type { BehaviourId } from './behaviours.ts'
import { isOp, isWord, type Token } from './lexer.ts'
import { refuse } from './sql-error.ts'

/** Words with a meaning; all others are names. */
export const KEYWORDS: ReadonlySet<string> = new Set(
  `select from where group by having order asc desc nulls first last limit offset all distinct as
   join inner left right full outer cross on using union except intersect with
   and or not is null true false unknown in exists between like ilike escape
   case when then else end cast over partition rows unbounded preceding following current row
   current_date current_user session_user default set interval at time zone`
    .split(/\s+/)
    .filter((word) => word !== ''),
)

/** Words of PostgreSQL's grammar that no unquoted name may be, and that are not known here. */
export const RESERVED: ReadonlySet<string> = new Set(
  `analyse analyze any array asymmetric authorization both check collate collation column
   concurrently constraint create current_catalog current_role current_schema current_time
   current_timestamp deferrable do fetch for foreign freeze grant ilike initially into isnull
   lateral leading localtime localtimestamp natural notnull only overlaps placing primary
   references returning similar some symmetric system_user table tablesample trailing unique user
   variadic verbose window qualify pivot unpivot top values insert update delete merge truncate
   copy unload`
    .split(/\s+/)
    .filter((word) => word !== ''),
)

/** By Redshift's name, that of PostgreSQL or of ours. */
export const FUNCTIONS: ReadonlyMap<string, string> = new Map([
  ...`count sum min max avg coalesce nullif greatest least abs round floor ceil mod sign
      lower upper row_number rank dense_rank lag lead first_value last_value
      current_database pg_backend_pid date_trunc md5 substr substring octet_length`
    .split(/\s+/)
    .map((name) => [name, name] as const),
  ['nvl', 'coalesce'],
  ['getdate', 'redshift_system.getdate'],
  ['version', 'redshift_system.version'],
  ['len', 'redshift_system.len'],
  ['length', 'redshift_system.len'],
  ['char_length', 'redshift_system.len'],
  ['substr', 'substr'],
  ['substring', 'substr'],
  ['to_varbyte', 'redshift_system.to_varbyte'],
  ['from_varbyte', 'redshift_system.from_varbyte'],
  ['to_hex', 'redshift_system.to_hex'],
  ['json_parse', 'redshift_system.json_parse'],
  ['json_serialize', 'redshift_system.json_serialized'],
  ['has_database_privilege', 'has_database_privilege'],
  ['is_large_string_enabled', 'redshift_system.is_large_string_enabled'],
])

/** Answered by the session, not by the database. */
export const LAST_COPY_COUNT = 'pg_last_copy_count'

export const OPERATORS: ReadonlySet<string> = new Set(
  '+ - * / % = <> != < > <= >= || & | # ~ << >> , . ( )'.split(' '),
)

type Pattern = readonly string[]

/** What Redshift is known to refuse, by the words it begins with; the first that fits gives the reason. */
const REFUSED: readonly (readonly [BehaviourId, Pattern, string])[] = [
  ['sql.no-returning', ['returning'], 'RETURNING clause is not supported'],
  ['sql.no-on-conflict', ['on', 'conflict'], 'ON CONFLICT is not supported'],
  ['sql.no-lateral', ['lateral'], 'LATERAL is not supported'],
  ['sql.no-distinct-on', ['distinct', 'on'], 'SELECT DISTINCT ON is not supported'],
  ['sql.no-distinct-from', ['is', 'distinct', 'from'], 'IS DISTINCT FROM is not supported'],
  ['sql.no-distinct-from', ['is', 'not', 'distinct'], 'IS NOT DISTINCT FROM is not supported'],
  ['sql.no-filter', ['filter', '('], 'FILTER clause is not supported'],
  ['sql.no-arrays', ['any', '('], 'op ANY/ALL (array) is not supported'],
  ['sql.no-arrays', ['all', '('], 'op ANY/ALL (array) is not supported'],
  ['sql.no-arrays', ['array', '['], 'arrays are not supported'],
  ['sql.no-for-update', ['for', 'update'], 'SELECT FOR UPDATE is not supported'],
  ['sql.no-for-update', ['for', 'share'], 'SELECT FOR SHARE is not supported'],
  ['sql.no-values-table', ['(', 'values'], 'VALUES lists are not supported as a table expression'],
  ['sql.no-values-table', ['values'], 'VALUES lists are not supported as a table expression'],
  ['sql.no-writable-cte', ['(', 'insert'], 'data-modifying statements in WITH are not supported'],
  ['sql.no-writable-cte', ['(', 'update'], 'data-modifying statements in WITH are not supported'],
  ['sql.no-writable-cte', ['(', 'delete'], 'data-modifying statements in WITH are not supported'],
  ...([
      'gen_random_uuid', 'generate_series', 'unnest', 'array_agg', 'string_agg', 'jsonb_build_object',
      'to_jsonb', 'pg_advisory_lock', 'pg_advisory_xact_lock', 'pg_try_advisory_lock', 'now',
      'clock_timestamp', 'encode', 'format', 'set_config', 'pg_notify', 'hashtextextended',
    ] as const // prettier-ignore
  )
    .map(
      (name) =>
        [
          'sql.functions',
          [name, '('],
          `function ${name}() does not exist or is not supported`,
        ] as const,
    ),
]

/** Fails if something that Redshift does not have begins at a token. */
export function refuseUnsupported(tokens: readonly Token[], at: number): void {
  for (const [id, pattern, message] of REFUSED) {
    if (pattern.every((text, i) => isWord(tokens[at + i], text) || isOp(tokens[at + i], text))) {
      refuse(id, message)
    }
  }
}

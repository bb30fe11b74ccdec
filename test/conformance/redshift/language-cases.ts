/** Cases about the language and the types. */

import { accepts, gives, refuses, type ConformanceCase } from './case.ts'

const ANY = /./

const STRINGS: readonly ConformanceCase[] = [
  gives('sql.backslash', [String.raw`SELECT 'a\\b'`], [String.raw`a\b`]),
  gives('sql.backslash', [String.raw`SELECT 'it\'s'`], ["it's"]),
  gives('sql.backslash', [String.raw`SELECT 'it''s \\ fine'`], [String.raw`it's \ fine`]),
  refuses(
    'sql.nul',
    ['CREATE TABLE {t} (a VARCHAR(5))', String.raw`INSERT INTO {t} VALUES ('a\0b')`],
    ANY,
  ),
  gives(
    'sql.trailing-blanks',
    [
      'CREATE TABLE {t} (a VARCHAR(5))',
      "INSERT INTO {t} VALUES ('a '), ('a')",
      "SELECT COUNT(*) FROM {t} WHERE a = 'a'",
    ],
    ['2'],
  ),
  gives(
    'sql.trailing-blanks',
    [
      'CREATE TABLE {t} (a VARCHAR(5))',
      "INSERT INTO {t} VALUES ('a ')",
      'SELECT a, LEN(a), OCTET_LENGTH(a) FROM {t}',
    ],
    ['a ', '2', '2'],
  ),
  gives('sql.cast-truncates', ["SELECT 'abcé'::VARCHAR(4)"], ['abc']),
  gives('sql.cast-truncates', ["SELECT CAST('abcdef' AS VARCHAR(3))"], ['abc']),
  gives('sql.varbyte', ["SELECT TO_HEX(TO_VARBYTE('00ff', 'hex'))"], ['00ff']),
  gives(
    'sql.varbyte',
    [
      'CREATE TABLE {t} (a VARBYTE(4))',
      "INSERT INTO {t} SELECT TO_VARBYTE('', 'hex')",
      'SELECT a, a IS NULL FROM {t}',
    ],
    ['', 'f'],
  ),
  gives('sql.json-parse', [`SELECT JSON_SERIALIZE(JSON_PARSE('[1,null]')) IS NULL`], ['f']),
  refuses('sql.json-parse', [`SELECT JSON_PARSE('{"a":1,"a":2}')`], ANY),
  refuses('sql.json-parse', ["SELECT JSON_PARSE('{')"], ANY),
]

const NAMES: readonly ConformanceCase[] = [
  gives(
    'sql.fold',
    [
      'CREATE TABLE {t} ("MixedCase" INT)',
      'INSERT INTO {t} VALUES (1)',
      'SELECT mixedcase FROM {t}',
    ],
    ['1'],
  ),
  gives(
    'sql.long-names',
    [
      `CREATE TABLE {t} (${'x'.repeat(100)}1 INT, ${'x'.repeat(100)}2 INT)`,
      `ALTER TABLE {t} RENAME COLUMN ${'x'.repeat(100)}1 TO ${'y'.repeat(130)}`,
      'SELECT column_name FROM svv_redshift_columns WHERE table_name = {name} ORDER BY ordinal_position',
    ],
    ['y'.repeat(127)],
    [`${'x'.repeat(100)}2`],
  ),
  gives(
    'sql.long-names',
    [
      `CREATE TABLE {s}.zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz (a INT)`,
      `INSERT INTO {s}.zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz VALUES (4)`,
      `SELECT table_name FROM svv_redshift_columns WHERE table_name = 'zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz'`,
    ],
    ['zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz'],
  ),
  gives(
    'sql.case-sensitive',
    [
      'SET enable_case_sensitive_identifier TO true',
      'CREATE TABLE {t} ("A" INT, a INT)',
      'INSERT INTO {t} ("A", a) VALUES (1, 2)',
      'SELECT "A", A FROM {t}',
    ],
    ['1', '2'],
  ),
  gives(
    'sql.update-alias',
    [
      'CREATE TABLE {t} (a INT)',
      'CREATE TABLE {u} (a INT)',
      'INSERT INTO {t} VALUES (1)',
      'INSERT INTO {u} VALUES (1)',
      'UPDATE {t} AS x SET a = 2 FROM {u} AS y WHERE x.a = y.a',
      'SELECT a FROM {t}',
    ],
    ['2'],
  ),
  refuses(
    'sql.delete-alias',
    ['CREATE TABLE {t} (a INT)', 'DELETE FROM {t} AS x WHERE x.a = 1'],
    ANY,
    '42601',
  ),
  refuses(
    'sql.update-equijoin',
    [
      'CREATE TABLE {t} (a INT)',
      'CREATE TABLE {u} (a INT)',
      'UPDATE {t} SET a = 2 FROM {u} WHERE {t}.a > {u}.a',
    ],
    ANY,
  ),
]

const WITH_TABLE = ['CREATE TABLE {t} (a INT)'] as const

/** What PostgreSQL has and Redshift has not. */
const ONLY_POSTGRES: readonly ConformanceCase[] = [
  refuses('sql.no-returning', [...WITH_TABLE, 'INSERT INTO {t} VALUES (1) RETURNING a'], ANY),
  refuses('sql.no-returning', [...WITH_TABLE, 'DELETE FROM {t} WHERE a = 1 RETURNING a'], ANY),
  refuses(
    'sql.no-on-conflict',
    [...WITH_TABLE, 'INSERT INTO {t} VALUES (1) ON CONFLICT DO NOTHING'],
    ANY,
  ),
  refuses(
    'sql.no-on-conflict',
    [...WITH_TABLE, 'INSERT INTO {t} SELECT 1 ON CONFLICT (a) DO NOTHING'],
    ANY,
  ),
  refuses('sql.no-values-table', ['SELECT * FROM (VALUES (1), (2)) AS v'], ANY),
  refuses('sql.no-lateral', [...WITH_TABLE, 'SELECT 1 FROM {t}, LATERAL (SELECT a) AS x'], ANY),
  refuses('sql.no-distinct-on', [...WITH_TABLE, 'SELECT DISTINCT ON (a) a FROM {t}'], ANY),
  refuses(
    'sql.no-distinct-from',
    [...WITH_TABLE, 'SELECT 1 FROM {t} WHERE a IS DISTINCT FROM 1'],
    ANY,
  ),
  refuses('sql.no-filter', [...WITH_TABLE, 'SELECT COUNT(*) FILTER (WHERE a = 1) FROM {t}'], ANY),
  refuses('sql.no-arrays', ["SELECT 1 = ANY ('{1}')"], ANY),
  refuses('sql.no-arrays', ['CREATE TABLE {t} (a INT[])'], ANY),
  refuses('sql.no-for-update', [...WITH_TABLE, 'SELECT a FROM {t} FOR UPDATE'], ANY),
  refuses('sql.no-savepoint', ['BEGIN', 'SAVEPOINT x'], ANY),
  refuses('sql.no-stdin', [...WITH_TABLE, 'COPY {t} FROM STDIN'], ANY),
  refuses('sql.no-objects', [...WITH_TABLE, 'CREATE INDEX x ON {t} (a)'], ANY),
  refuses('sql.no-objects', ['CREATE SEQUENCE {t}'], ANY),
  refuses('sql.no-writable-cte', [...WITH_TABLE, 'WITH x AS (DELETE FROM {t}) SELECT 1'], ANY),
  refuses('sql.functions', ['SELECT gen_random_uuid()'], ANY),
  refuses('sql.functions', ['SELECT pg_advisory_lock(1)'], ANY),
  refuses('sql.functions', ["SELECT string_agg('a', ',')"], ANY),
]

const TYPES: readonly ConformanceCase[] = [
  refuses(
    'type.varchar-default',
    ['CREATE TABLE {t} (a VARCHAR)', `INSERT INTO {t} VALUES ('${'x'.repeat(257)}')`],
    ANY,
    '22001',
  ),
  accepts(
    'type.varchar-default',
    'CREATE TABLE {t} (a TEXT)',
    `INSERT INTO {t} VALUES ('${'x'.repeat(256)}')`,
  ),
  refuses(
    'type.varchar-bytes',
    ['CREATE TABLE {t} (a VARCHAR(3))', "INSERT INTO {t} VALUES ('éé')"],
    /value too long/,
    '22001',
  ),
  refuses('type.varchar-bytes', ['CREATE TABLE {t} (a VARCHAR(65536))'], ANY),
  accepts(
    'type.varchar-bytes',
    'CREATE TABLE {t} (a VARCHAR(MAX))',
    `INSERT INTO {t} VALUES ('${'x'.repeat(65_535)}')`,
  ),
  refuses('type.char', ['CREATE TABLE {t} (a CHAR(4097))'], ANY),
  refuses('type.char', ['CREATE TABLE {t} (a CHAR(4))', "INSERT INTO {t} VALUES ('é')"], ANY),
  refuses('type.numeric', ['CREATE TABLE {t} (a NUMERIC(39,0))'], ANY),
  gives(
    'type.numeric',
    ['CREATE TABLE {t} (a NUMERIC)', 'INSERT INTO {t} VALUES (1)', 'SELECT a FROM {t}'],
    ['1'],
  ),
  refuses(
    'type.numeric',
    ['CREATE TABLE {t} (a NUMERIC(4,2))', 'INSERT INTO {t} VALUES (100)'],
    ANY,
  ),
  refuses(
    'type.numeric-nan',
    ['CREATE TABLE {t} (a NUMERIC(4,2))', "INSERT INTO {t} VALUES ('NaN')"],
    ANY,
  ),
  refuses(
    'type.numeric-19',
    ['CREATE TABLE {t} (a NUMERIC(19,0))', 'INSERT INTO {t} VALUES (9223372036854775808)'],
    ANY,
  ),
  refuses(
    'type.no-infinity',
    ['CREATE TABLE {t} (a TIMESTAMP)', "INSERT INTO {t} VALUES ('infinity')"],
    ANY,
  ),
  refuses(
    'type.no-infinity',
    ['CREATE TABLE {t} (a DATE)', "INSERT INTO {t} VALUES ('-infinity')"],
    ANY,
  ),
  accepts(
    'type.super-string',
    'CREATE TABLE {t} (a SUPER)',
    `INSERT INTO {t} SELECT JSON_PARSE('"${'x'.repeat(65_535)}"')`,
  ),
  refuses('type.varbyte', ['CREATE TABLE {t} (a VARBYTE(16777217))'], ANY),
  refuses(
    'type.varbyte',
    ['CREATE TABLE {t} (a VARBYTE(1))', "INSERT INTO {t} SELECT TO_VARBYTE('0000', 'hex')"],
    ANY,
  ),
  ...['JSON', 'JSONB', 'UUID', 'BYTEA', 'MONEY', 'INET', 'SERIAL', 'XML', 'HSTORE'].map((type) =>
    refuses('type.unsupported', [`CREATE TABLE {t} (a ${type})`], ANY),
  ),
]

export const LANGUAGE_CASES: readonly ConformanceCase[] = [
  ...STRINGS,
  ...NAMES,
  ...ONLY_POSTGRES,
  ...TYPES,
]

/** The part of the table of behaviours that is about the wire, the language and the types. */

import { assumed, doc, live, type Behaviour } from './provenance.ts'

export const WIRE = {
  'wire.version': live('re_dms, psycopg', 'server_version is 8.0.2, client_encoding UNICODE'),
  'wire.startup': live('floci', 'a startup parameter it does not know is FATAL 42704'),
  'wire.auth': doc('mgmt: connecting', 'passwords by md5 or in clear text; a wrong one is 28000'),
  'wire.auth-sha256': live(
    'pg issues',
    'users with a SHA-256 password get request 13, which pg cannot answer',
  ),
  'wire.tls': doc(
    'mgmt: connecting-ssl-support',
    'with require_ssl, plain connections are refused',
  ),
  'wire.unnamed-only': assumed('named prepared statements are refused, since DDL makes them fail'),
  'wire.binds': assumed(
    'bind parameters are refused in anything but SELECT, INSERT, UPDATE and DELETE',
  ),
  'wire.cancel': doc(
    'mgmt: connecting',
    'a statement can be cancelled from outside, and ends with 57014',
  ),
  'wire.oids': live(
    'PostgREST, psycopg',
    'SUPER is type 4000; VARBYTE is type 6551, as hex without \\x',
  ),
  'wire.multi': live('Estuary', 'several statements of one message are one transaction'),
  'wire.timeout': doc('r_statement_timeout', 'statement_timeout ends a statement with 57014'),
} as const satisfies Record<string, Behaviour>

export const SQL = {
  'sql.fail-closed': assumed(
    'what this server does not know is refused with 0A000; it guesses nothing',
  ),
  'sql.backslash': live('sqlglot', 'a backslash in a string escapes the character behind it'),
  'sql.nul': doc('r_Character_types', 'a NUL is allowed in no string'),
  'sql.fold': doc(
    'r_enable_case_sensitive_identifier',
    'identifiers are folded to lower case even in quotes',
  ),
  'sql.long-names': doc(
    'r_names',
    'names have up to 127 bytes; what is longer is cut without a word',
  ),
  'sql.case-sensitive': doc(
    'r_enable_case_sensitive_identifier',
    'with the setting, quoted identifiers keep their case',
  ),
  'sql.no-returning': doc('c_unsupported-postgresql-features', 'no RETURNING'),
  'sql.no-on-conflict': doc('c_unsupported-postgresql-features', 'no ON CONFLICT'),
  'sql.no-values-table': doc('c_unsupported-postgresql-features', 'VALUES is no table expression'),
  'sql.no-lateral': doc('c_unsupported-postgresql-features', 'no LATERAL'),
  'sql.no-distinct-on': doc('c_unsupported-postgresql-features', 'no DISTINCT ON'),
  'sql.no-distinct-from': doc('c_unsupported-postgresql-features', 'no IS DISTINCT FROM'),
  'sql.no-filter': doc('c_unsupported-postgresql-features', 'no FILTER (WHERE …)'),
  'sql.no-arrays': doc('c_unsupported-postgresql-datatypes', 'no arrays, and no = ANY(array)'),
  'sql.no-for-update': doc('c_unsupported-postgresql-features', 'no SELECT … FOR UPDATE'),
  'sql.no-savepoint': doc('c_unsupported-postgresql-features', 'no savepoints'),
  'sql.no-stdin': doc('r_COPY', 'no COPY FROM STDIN and TO STDOUT'),
  'sql.no-objects': doc(
    'c_unsupported-postgresql-features',
    'no indexes, sequences, triggers, types, domains',
  ),
  'sql.no-writable-cte': doc('r_WITH_clause', 'nothing that writes in WITH'),
  'sql.functions': doc(
    'c_unsupported-postgresql-functions',
    'functions of PostgreSQL that it lacks are refused',
  ),
  'sql.trailing-blanks': doc(
    'r_Character_types',
    'trailing blanks do not count when strings are compared',
  ),
  'sql.cast-truncates': doc(
    'r_CAST_function',
    'a cast to VARCHAR(n) cuts at n bytes, at a whole character',
  ),
  'sql.varbyte': doc('r_TO_VARBYTE', "TO_VARBYTE('', 'hex') is an empty VARBYTE"),
  'sql.json-parse': doc(
    'JSON_PARSE',
    'JSON_PARSE makes a SUPER, and refuses duplicate keys and bad JSON',
  ),
  'sql.update-equijoin': assumed(
    'UPDATE … FROM needs a column of one equal to a column of the other',
  ),
  'sql.update-alias': live('re_dms', 'UPDATE t AS x … FROM is allowed'),
  'sql.delete-alias': doc('r_DELETE', 'DELETE has no alias for its target'),
} as const satisfies Record<string, Behaviour>

export const TYPES = {
  'type.varchar-default': doc(
    'r_Character_types',
    'VARCHAR and TEXT without a length are VARCHAR(256)',
  ),
  'type.varchar-bytes': doc(
    'r_Character_types',
    'the n of VARCHAR(n) counts bytes; 65,535 at most; too long is 22001',
  ),
  'type.char': doc('r_Character_types', 'CHAR(n) holds single-byte characters, 4,096 at most'),
  'type.numeric': doc(
    'r_Numeric_types201',
    'NUMERIC is (18,0); 38 digits at most, 37 behind the point',
  ),
  'type.numeric-nan': doc('r_Numeric_types201', 'NUMERIC has no NaN and no infinity'),
  'type.numeric-19': doc('r_Numeric_types201', 'NUMERIC(19,0) ends at 2^63-1'),
  'type.no-infinity': doc('r_Datetime_types', 'dates and timestamps have no infinity'),
  'type.super-string': doc('limitations-super', 'a string in a SUPER has at most 65,535 bytes'),
  'type.varbyte': doc('r_VARBYTE_type', 'VARBYTE is VARBYTE(64000); 16,777,216 at most'),
  'type.unsupported': doc(
    'c_unsupported-postgresql-datatypes',
    'no JSON, UUID, BYTEA, arrays, SERIAL, network types …',
  ),
} as const satisfies Record<string, Behaviour>

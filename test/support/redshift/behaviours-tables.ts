/** The part of the table of behaviours that is about tables, transactions, COPY and MERGE. */

import { assumed, doc, live, type Behaviour } from './provenance.ts'

export const DDL = {
  'ddl.attributes': doc(
    'r_CREATE_TABLE_NEW',
    'DISTSTYLE, DISTKEY, SORTKEY, ENCODE and BACKUP, in a column and behind the table',
  ),
  'ddl.dist-type': doc(
    'limitations-super',
    'SUPER and VARBYTE are neither distribution nor sort key',
  ),
  'ddl.key-not-enforced': doc(
    't_Defining_constraints',
    'PRIMARY KEY, UNIQUE and REFERENCES are accepted and not enforced',
  ),
  'ddl.not-null': doc(
    't_Defining_constraints',
    'NOT NULL is enforced, for columns of a primary key too',
  ),
  'ddl.temp': doc(
    'r_CREATE_TABLE_NEW',
    'a temporary table has no schema, is seen by its session alone and outlives transactions',
  ),
  'ddl.like': doc(
    'r_CREATE_TABLE_NEW',
    'LIKE takes over NOT NULL, distribution and sort keys, and defaults if asked',
  ),
  'ddl.system-columns': doc('r_CREATE_TABLE_NEW', 'oid, xmin, ctid … cannot be names of columns'),
  'ddl.one-action': doc('r_ALTER_TABLE', 'one ADD COLUMN an ALTER TABLE'),
  'ddl.add-no-if-not-exists': doc('r_ALTER_TABLE', 'ADD COLUMN has no IF NOT EXISTS'),
  'ddl.add-not-null': doc('r_ALTER_TABLE', 'ADD COLUMN … NOT NULL needs a DEFAULT'),
  'ddl.add-key': doc('r_ALTER_TABLE', 'ADD COLUMN cannot be PRIMARY KEY, UNIQUE or IDENTITY'),
  'ddl.type-varchar-only': doc(
    'r_ALTER_TABLE',
    'ALTER COLUMN TYPE changes the size of a VARCHAR and nothing else',
  ),
  'ddl.type-in-block': doc('r_ALTER_TABLE', 'ALTER COLUMN TYPE is refused in a transaction block'),
  'ddl.type-same': live(
    'Estuary',
    'an equal size is 0A000 "target column size should be different"',
  ),
  'ddl.type-default': doc(
    'r_ALTER_TABLE',
    'ALTER COLUMN TYPE is refused for columns with a default',
  ),
  'ddl.type-key': doc('r_ALTER_TABLE', 'ALTER COLUMN TYPE is refused for columns of a key'),
  'ddl.type-shrink': doc('r_ALTER_TABLE', 'VARCHAR shrinks down to the longest value'),
  'ddl.no-column-change': doc('r_ALTER_TABLE', 'no SET or DROP of NOT NULL and DEFAULT'),
  'ddl.rolled-back': doc(
    'r_ALTER_TABLE',
    'tables and columns made, renamed and dropped are rolled back with the transaction',
  ),
  'ddl.drop-column': doc(
    'r_ALTER_TABLE',
    'no column of the distribution or sort key can be dropped, nor the last of a table',
  ),
  'ddl.append': doc(
    'r_ALTER_TABLE_APPEND',
    'ALTER TABLE APPEND moves the rows, and is refused in a block',
  ),
  'ddl.view': doc(
    'r_DROP_TABLE',
    'what a view depends on is dropped only with CASCADE; a rename carries the view along',
  ),
  'ddl.late-view': doc(
    'r_CREATE_VIEW',
    'a view WITH NO SCHEMA BINDING stands in the way of nothing, and reads what has the name when it is read',
  ),
  'ddl.catalog': doc(
    'SVV_REDSHIFT_COLUMNS',
    'svv_redshift_columns and svv_columns spell types as format_type does',
  ),
} as const satisfies Record<string, Behaviour>

export const TRANSACTIONS = {
  'tx.isolation': doc(
    'c_serial_isolation',
    'the database is SNAPSHOT or SERIALIZABLE, whatever BEGIN says; stv_db_isolation_level tells',
  ),
  'tx.snapshot': doc(
    'c_serial_isolation',
    'the snapshot is that of the first statement that reads a table or writes; LOCK takes none',
  ),
  'tx.write-lock': doc(
    'c_Concurrent_writes',
    'who writes to a table waits for others who do; readers do not',
  ),
  'tx.conflict-snapshot': live(
    'dbt-redshift',
    'a stale UPDATE: "could not complete because of conflict with concurrent transaction"',
  ),
  'tx.conflict-serializable': live(
    'Estuary 5218',
    'a stale UPDATE: XX000 1023, "Serializable isolation violation on table"',
  ),
  'tx.lock': doc('r_LOCK', 'LOCK is ACCESS EXCLUSIVE, of one or several tables'),
  'tx.lock-alone': live(
    'Estuary',
    'LOCK does not protect among other statements of one message; refused here',
  ),
  'tx.truncate': doc('r_TRUNCATE', 'TRUNCATE commits and cannot be rolled back'),
  'tx.vacuum': doc('r_VACUUM_command', 'VACUUM is refused in a block and beside other statements'),
  'tx.failed': doc('r_ROLLBACK', 'after an error the transaction takes nothing but its end'),
  'tx.drop-open': doc('c_Concurrent_writes', 'a session that is lost rolls its block back'),
} as const satisfies Record<string, Behaviour>

export const COPY = {
  'copy.manifest': doc(
    'loading-data-files-using-manifest',
    'exactly the files of the manifest are loaded',
  ),
  'copy.mandatory': doc(
    'loading-data-files-using-manifest',
    'a missing file is an error if it is mandatory, and nothing otherwise',
  ),
  'copy.empty': doc(
    'copy-parameters-data-conversion',
    "an empty field is '' for CHAR and VARCHAR, NULL for all else",
  ),
  'copy.emptyasnull': doc(
    'copy-parameters-data-conversion',
    'EMPTYASNULL makes NULL of empty CHAR and VARCHAR fields',
  ),
  'copy.null-quoted': live('Airbyte 82729', 'NULL AS matches fields in quotes, too'),
  'copy.nul-marker': live(
    're_dms',
    "NULL AS '\\0' is a field of one NUL byte; a NUL beside other bytes is error 1218",
  ),
  'copy.empty-varbyte': assumed('an empty VARBYTE cannot be told from NULL'),
  'copy.csv': doc(
    'copy-parameters-data-format',
    'CSV: quotes are doubled, line feeds and delimiters may stand in quotes',
  ),
  'copy.columns': doc('r_Load_Error_Reference', 'too few fields are error 1203, too many 1202'),
  'copy.hex': doc('copy-usage-varbyte', 'VARBYTE is loaded from hex'),
  'copy.super': doc('copy_json', 'SUPER is loaded from JSON; bad JSON is error 1224'),
  'copy.numbers': doc(
    'r_Load_Error_Reference',
    'errors 1207, 1208, 1209, 1210 and 1222 for numbers and booleans',
  ),
  'copy.times': doc('r_Load_Error_Reference', 'errors 1205 and 1206 for dates and times'),
  'copy.times-wide': assumed('BC, years above 9999 and 24:00:00 are refused'),
  'copy.float-special': assumed('NaN and infinity are refused for REAL and DOUBLE PRECISION'),
  'copy.rounding': doc(
    'copy-parameters-data-conversion',
    'excess decimals are cut, and rounded with ROUNDEC',
  ),
  'copy.too-long': doc(
    'r_Load_Error_Reference',
    'a VARCHAR that is too long is error 1204, and is cut with TRUNCATECOLUMNS',
  ),
  'copy.char': doc('r_Load_Error_Reference', 'characters of several bytes in CHAR are error 1215'),
  'copy.not-null': doc('r_Load_Error_Reference', 'NULL for a NOT NULL column is error 1213'),
  'copy.utf8': doc('r_Load_Error_Reference', 'bytes that are not UTF-8 are error 1220'),
  'copy.errors': doc(
    'SYS_LOAD_ERROR_DETAIL',
    'a row that fails stands in sys_load_error_detail, also after the rollback',
  ),
  'copy.count': doc(
    'PG_LAST_COPY_COUNT',
    'pg_last_copy_count() is the number of rows of the last COPY; the tag has none',
  ),
  'copy.outlives-client': doc(
    'r_COPY',
    'a COPY outside of a block goes on when its client is gone; in a block it is rolled back',
  ),
  'copy.options': doc('r_COPY', 'options are known by name; what is no option of COPY is refused'),
  'copy.iam': doc('copy-parameters-authorization', 'IAM_ROLE is needed, default or an ARN'),
} as const satisfies Record<string, Behaviour>

export const MERGE = {
  'merge.upsert': doc('r_MERGE', 'MERGE updates or deletes what matches and inserts the rest'),
  'merge.both': doc('r_MERGE', 'WHEN MATCHED and WHEN NOT MATCHED are both needed, in this order'),
  'merge.and': live(
    'dbt-redshift',
    '"Additional predicate in WHEN MATCHED clause is not supported"',
  ),
  'merge.alias': doc('r_MERGE', 'the target has no alias'),
  'merge.self': doc('r_MERGE', 'the source must not read the target'),
  'merge.multiple': doc(
    'r_MERGE',
    'two source rows for one target row: "Found multiple matches to update the same tuple."',
  ),
  'merge.duplicates': doc(
    'r_MERGE',
    'REMOVE DUPLICATES replaces what matches, and keeps one of equal source rows',
  ),
} as const satisfies Record<string, Behaviour>

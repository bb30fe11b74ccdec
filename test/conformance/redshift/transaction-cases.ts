/** Cases about transactions and MERGE. */

import { accepts, gives, refuses, type ConformanceCase } from './case.ts'

const ANY = /./

const TRANSACTIONS: readonly ConformanceCase[] = [
  gives(
    'tx.truncate',
    [
      'CREATE TABLE {t} (a INT)',
      'BEGIN',
      'INSERT INTO {t} VALUES (1)',
      'TRUNCATE {t}',
      'ROLLBACK',
      'SELECT COUNT(*) FROM {t}',
    ],
    ['0'],
  ),
  refuses('tx.vacuum', ['BEGIN', 'VACUUM'], /transaction block/),
  accepts('tx.vacuum', 'CREATE TABLE {t} (a INT)', 'VACUUM DELETE ONLY {t}'),
  refuses(
    'tx.failed',
    ['BEGIN', '!SELECT no_such_column FROM svv_tables', 'SELECT 1'],
    /current transaction is aborted/,
    '25P02',
  ),
  gives(
    'tx.isolation',
    [
      'BEGIN ISOLATION LEVEL READ COMMITTED',
      'SELECT COUNT(*) FROM stv_db_isolation_level WHERE db_name = current_database()',
    ],
    ['1'],
  ),
  accepts(
    'tx.lock',
    'CREATE TABLE {t} (a INT)',
    'CREATE TABLE {u} (a INT)',
    'BEGIN',
    'LOCK TABLE {t}, {u}',
    'COMMIT',
  ),
  gives(
    'wire.multi',
    ['CREATE TABLE {t} (a INT)', 'BEGIN; INSERT INTO {t} VALUES (1); COMMIT', 'SELECT a FROM {t}'],
    ['1'],
  ),
]

const SOURCE = [
  'CREATE TABLE {t} (id INT, v INT)',
  'CREATE TABLE {u} (id INT, v INT)',
  'INSERT INTO {t} VALUES (1, 1), (2, 2)',
  'INSERT INTO {u} VALUES (2, 20), (3, 30)',
] as const
const ON = 'MERGE INTO {t} USING {u} AS s ON {t}.id = s.id'
const MATCHED = 'WHEN MATCHED THEN UPDATE SET v = s.v'
const NOT_MATCHED = 'WHEN NOT MATCHED THEN INSERT (id, v) VALUES (s.id, s.v)'
const ALL = 'SELECT id, v FROM {t} ORDER BY id'

const MERGES: readonly ConformanceCase[] = [
  gives(
    'merge.upsert',
    [...SOURCE, `${ON} ${MATCHED} ${NOT_MATCHED}`, ALL],
    ['1', '1'],
    ['2', '20'],
    ['3', '30'],
  ),
  gives(
    'merge.upsert',
    [...SOURCE, `${ON} WHEN MATCHED THEN DELETE ${NOT_MATCHED}`, ALL],
    ['1', '1'],
    ['3', '30'],
  ),
  refuses('merge.both', [...SOURCE, `${ON} ${MATCHED}`], ANY),
  refuses('merge.both', [...SOURCE, `${ON} ${NOT_MATCHED} ${MATCHED}`], ANY),
  refuses(
    'merge.and',
    [...SOURCE, `${ON} WHEN MATCHED AND s.v > 1 THEN DELETE ${NOT_MATCHED}`],
    /Additional predicate/,
  ),
  refuses(
    'merge.alias',
    [...SOURCE, `MERGE INTO {t} AS x USING {u} AS s ON x.id = s.id ${MATCHED} ${NOT_MATCHED}`],
    ANY,
  ),
  refuses(
    'merge.self',
    [
      ...SOURCE,
      `MERGE INTO {t} USING (SELECT id, v FROM {t}) AS s ON {t}.id = s.id ${MATCHED} ${NOT_MATCHED}`,
    ],
    ANY,
  ),
  refuses(
    'merge.multiple',
    [...SOURCE, 'INSERT INTO {u} VALUES (2, 21)', `${ON} ${MATCHED} ${NOT_MATCHED}`],
    /Found multiple matches/,
  ),
  gives(
    'merge.duplicates',
    [
      ...SOURCE,
      'INSERT INTO {u} VALUES (3, 30)',
      'MERGE INTO {t} USING {u} ON {t}.id = {u}.id REMOVE DUPLICATES',
      ALL,
    ],
    ['1', '1'],
    ['2', '20'],
    ['3', '30'],
  ),
]

export const TRANSACTION_CASES: readonly ConformanceCase[] = [...TRANSACTIONS, ...MERGES]

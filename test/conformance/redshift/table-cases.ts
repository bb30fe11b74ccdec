/** Cases about tables, their columns, and views. */

import { accepts, gives, refuses, type ConformanceCase } from './case.ts'

const ANY = /./
const COLUMNS_OF =
  'SELECT column_name, data_type FROM svv_redshift_columns WHERE table_name = {name} ORDER BY ordinal_position'

const TABLES: readonly ConformanceCase[] = [
  accepts(
    'ddl.attributes',
    'CREATE TABLE {t} (a INT ENCODE RAW, b INT) BACKUP NO DISTSTYLE KEY DISTKEY (a) COMPOUND SORTKEY (a, b)',
  ),
  accepts('ddl.attributes', 'CREATE TABLE {t} (a INT DISTKEY SORTKEY)'),
  accepts('ddl.attributes', 'CREATE TABLE {t} (a INT) DISTSTYLE AUTO SORTKEY AUTO ENCODE AUTO'),
  refuses('ddl.attributes', ['CREATE TABLE {t} (a INT) DISTSTYLE ALL DISTKEY (a)'], ANY),
  refuses('ddl.dist-type', ['CREATE TABLE {t} (a SUPER) DISTSTYLE KEY DISTKEY (a)'], ANY),
  gives(
    'ddl.key-not-enforced',
    [
      'CREATE TABLE {t} (a INT PRIMARY KEY, b INT UNIQUE)',
      'INSERT INTO {t} VALUES (1, 1), (1, 1)',
      'SELECT COUNT(*) FROM {t}',
    ],
    ['2'],
  ),
  gives(
    'ddl.key-not-enforced',
    [
      'CREATE TABLE {u} (a INT, PRIMARY KEY (a))',
      'CREATE TABLE {t} (a INT REFERENCES {u} (a))',
      'INSERT INTO {t} VALUES (7)',
      'SELECT a FROM {t}',
    ],
    ['7'],
  ),
  refuses(
    'ddl.not-null',
    ['CREATE TABLE {t} (a INT NOT NULL)', 'INSERT INTO {t} VALUES (NULL)'],
    ANY,
  ),
  refuses(
    'ddl.not-null',
    ['CREATE TABLE {t} (a INT, PRIMARY KEY (a))', 'INSERT INTO {t} VALUES (NULL)'],
    ANY,
  ),
  refuses('ddl.temp', ['CREATE TEMP TABLE {t} (a INT)'], ANY),
  gives(
    'ddl.temp',
    [
      'BEGIN',
      'CREATE TEMP TABLE {temp} (a INT)',
      'COMMIT',
      'INSERT INTO {temp} VALUES (1)',
      'SELECT a FROM {temp}',
    ],
    ['1'],
  ),
  refuses(
    'ddl.like',
    [
      'CREATE TABLE {t} (a INT NOT NULL)',
      'CREATE TEMP TABLE {temp} (LIKE {t})',
      'INSERT INTO {temp} VALUES (NULL)',
    ],
    ANY,
  ),
  gives(
    'ddl.like',
    [
      'CREATE TABLE {t} (a INT DEFAULT 3, b INT)',
      'CREATE TABLE {u} (LIKE {t} INCLUDING DEFAULTS)',
      'INSERT INTO {u} (b) VALUES (1)',
      'SELECT a FROM {u}',
    ],
    ['3'],
  ),
  accepts(
    'ddl.like',
    'CREATE TABLE {t} (a VARCHAR(4) PRIMARY KEY)',
    'CREATE TABLE {u} (LIKE {t})',
    'ALTER TABLE {u} ALTER COLUMN a TYPE VARCHAR(8)',
  ),
  refuses(
    'ddl.like',
    [
      'CREATE TABLE {t} (a INT DISTKEY, b INT)',
      'CREATE TABLE {u} (LIKE {t})',
      'ALTER TABLE {u} DROP COLUMN a',
    ],
    ANY,
  ),
  refuses('ddl.system-columns', ['CREATE TABLE {t} (xmin INT)'], ANY),
  gives(
    'ddl.catalog',
    [
      'CREATE TABLE {t} (a BIGINT, b VARCHAR(10), c NUMERIC(20,4), d SUPER, e VARBYTE(9), f TIMESTAMPTZ)',
      COLUMNS_OF,
    ],
    ['a', 'bigint'],
    ['b', 'character varying(10)'],
    ['c', 'numeric(20,4)'],
    ['d', 'super'],
    ['e', 'binary varying(9)'],
    ['f', 'timestamp with time zone'],
  ),
]

const WITH_TEXT = [
  'CREATE TABLE {t} (a VARCHAR(4), b INT)',
  "INSERT INTO {t} VALUES ('abcd', 1)",
] as const

const ALTERS: readonly ConformanceCase[] = [
  refuses(
    'ddl.one-action',
    [...WITH_TEXT, 'ALTER TABLE {t} ADD COLUMN c INT, ADD COLUMN d INT'],
    ANY,
  ),
  refuses(
    'ddl.add-no-if-not-exists',
    [...WITH_TEXT, 'ALTER TABLE {t} ADD COLUMN IF NOT EXISTS c INT'],
    ANY,
    '42601',
  ),
  refuses('ddl.add-not-null', [...WITH_TEXT, 'ALTER TABLE {t} ADD COLUMN c INT NOT NULL'], ANY),
  gives(
    'ddl.add-not-null',
    [...WITH_TEXT, 'ALTER TABLE {t} ADD COLUMN c INT DEFAULT 5 NOT NULL', 'SELECT c FROM {t}'],
    ['5'],
  ),
  refuses('ddl.add-key', [...WITH_TEXT, 'ALTER TABLE {t} ADD COLUMN c INT UNIQUE'], ANY),
  refuses(
    'ddl.type-varchar-only',
    [...WITH_TEXT, 'ALTER TABLE {t} ALTER COLUMN b TYPE BIGINT'],
    ANY,
  ),
  refuses(
    'ddl.type-varchar-only',
    [...WITH_TEXT, 'ALTER TABLE {t} ALTER COLUMN b TYPE VARCHAR(5)'],
    ANY,
  ),
  refuses(
    'ddl.type-in-block',
    [...WITH_TEXT, 'BEGIN', 'ALTER TABLE {t} ALTER COLUMN a TYPE VARCHAR(8)'],
    /transaction block/,
  ),
  refuses(
    'ddl.type-same',
    [...WITH_TEXT, 'ALTER TABLE {t} ALTER COLUMN a TYPE VARCHAR(4)'],
    /target column size should be different/,
    '0A000',
  ),
  refuses(
    'ddl.type-default',
    [
      "CREATE TABLE {t} (a VARCHAR(4) DEFAULT 'x')",
      'ALTER TABLE {t} ALTER COLUMN a TYPE VARCHAR(8)',
    ],
    ANY,
  ),
  refuses(
    'ddl.type-key',
    [
      'CREATE TABLE {t} (a VARCHAR(4) PRIMARY KEY)',
      'ALTER TABLE {t} ALTER COLUMN a TYPE VARCHAR(8)',
    ],
    ANY,
  ),
  refuses('ddl.type-shrink', [...WITH_TEXT, 'ALTER TABLE {t} ALTER COLUMN a TYPE VARCHAR(3)'], ANY),
  gives(
    'ddl.type-shrink',
    [
      'CREATE TABLE {t} (a VARCHAR(9))',
      "INSERT INTO {t} VALUES ('abc')",
      'ALTER TABLE {t} ALTER COLUMN a TYPE VARCHAR(3)',
      'SELECT a FROM {t}',
    ],
    ['abc'],
  ),
  refuses(
    'ddl.no-column-change',
    [...WITH_TEXT, 'ALTER TABLE {t} ALTER COLUMN b SET NOT NULL'],
    ANY,
  ),
  refuses(
    'ddl.no-column-change',
    [...WITH_TEXT, 'ALTER TABLE {t} ALTER COLUMN b SET DEFAULT 1'],
    ANY,
  ),
  gives(
    'ddl.rolled-back',
    [
      ...WITH_TEXT,
      'BEGIN',
      'ALTER TABLE {t} ADD COLUMN c INT',
      'ALTER TABLE {t} DROP COLUMN b',
      'ALTER TABLE {t} RENAME COLUMN a TO z',
      'ROLLBACK',
      COLUMNS_OF,
    ],
    ['a', 'character varying(4)'],
    ['b', 'integer'],
  ),
  refuses(
    'ddl.drop-column',
    ['CREATE TABLE {t} (a INT DISTKEY, b INT)', 'ALTER TABLE {t} DROP COLUMN a'],
    ANY,
  ),
  refuses(
    'ddl.drop-column',
    ['CREATE TABLE {t} (a INT SORTKEY, b INT)', 'ALTER TABLE {t} DROP COLUMN a'],
    ANY,
  ),
  refuses('ddl.drop-column', ['CREATE TABLE {t} (a INT)', 'ALTER TABLE {t} DROP COLUMN a'], ANY),
  accepts(
    'ddl.drop-column',
    'CREATE TABLE {t} (a INT PRIMARY KEY DISTKEY, b INT)',
    'ALTER TABLE {t} DROP COLUMN b',
  ),
  refuses(
    'ddl.append',
    [
      'CREATE TABLE {t} (a INT)',
      'CREATE TABLE {u} (a INT)',
      'BEGIN',
      'ALTER TABLE {t} APPEND FROM {u}',
    ],
    /transaction block/,
  ),
  gives(
    'ddl.append',
    [
      'CREATE TABLE {t} (a INT)',
      'CREATE TABLE {u} (a INT)',
      'INSERT INTO {u} VALUES (1)',
      'ALTER TABLE {t} APPEND FROM {u}',
      'SELECT (SELECT COUNT(*) FROM {t}), (SELECT COUNT(*) FROM {u})',
    ],
    ['1', '0'],
  ),
  refuses(
    'ddl.view',
    ['CREATE TABLE {t} (a INT)', 'CREATE VIEW {u} AS SELECT a FROM {t}', 'DROP TABLE {t}'],
    ANY,
    '2BP01',
  ),
  gives(
    'ddl.view',
    [
      'CREATE TABLE {t} (a INT)',
      'INSERT INTO {t} VALUES (1)',
      'CREATE VIEW {u} AS SELECT a FROM {t}',
      'ALTER TABLE {t} RENAME TO {temp}',
      'SELECT a FROM {u}',
    ],
    ['1'],
  ),
]

const LATE = [
  'CREATE TABLE {t} (a INT)',
  'INSERT INTO {t} VALUES (1)',
  'CREATE VIEW {u} AS SELECT a FROM {t} WITH NO SCHEMA BINDING',
] as const

const LATE_VIEWS: readonly ConformanceCase[] = [
  gives('ddl.late-view', [...LATE, 'SELECT x.a FROM {u} AS x WHERE x.a = 1'], ['1']),
  gives(
    'ddl.late-view',
    [
      ...LATE,
      'DROP TABLE {t}',
      'CREATE TABLE {t} (a VARCHAR(3))',
      "INSERT INTO {t} VALUES ('z')",
      'SELECT a FROM {u}',
    ],
    ['z'],
  ),
  refuses('ddl.late-view', [...LATE, 'DROP TABLE {t}', 'SELECT a FROM {u}'], ANY, '42P01'),
  refuses('ddl.late-view', [...LATE, 'DROP VIEW {u}', 'SELECT a FROM {u}'], ANY, '42P01'),
]

export const TABLE_CASES: readonly ConformanceCase[] = [...TABLES, ...ALTERS, ...LATE_VIEWS]

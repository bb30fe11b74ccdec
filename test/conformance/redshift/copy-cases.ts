/** Cases about COPY: rules for fields, files and errors. */

import { gzipSync } from 'node:zlib'

import type { BehaviourId } from '../../support/redshift/behaviours.ts'
import { type ConformanceCase, type Expected } from './case.ts'

interface CopyCase {
  readonly id: BehaviourId
  /** Of `{t}`. */
  readonly columns: string
  readonly file: string | Buffer
  readonly options?: string
  /** What follows the COPY; left out, all columns of all rows. */
  readonly query?: readonly string[]
  readonly expect: Expected
}

const OPTIONS = String.raw`FORMAT AS CSV NULL AS '\0'`
const ALL = 'SELECT * FROM {t}'

function copy({
  id,
  columns,
  file,
  options = OPTIONS,
  expect,
  query = typeof expect === 'object' && 'error' in expect ? [] : [ALL],
}: CopyCase): ConformanceCase {
  return {
    id,
    sql: [
      `CREATE TABLE {t} (${columns})`,
      `COPY {t} FROM '{manifest}' IAM_ROLE {role} MANIFEST ${options}`,
      ...query,
    ],
    files: [file],
    expect,
  }
}

/** The COPY fails, and its first error has the code. */
function fails(
  id: BehaviourId,
  columns: string,
  file: string | Buffer,
  code: number,
): ConformanceCase {
  return {
    id,
    sql: [
      `CREATE TABLE {t} (${columns})`,
      `!COPY {t} FROM '{manifest}' IAM_ROLE {role} MANIFEST ${OPTIONS}`,
      "SELECT error_code FROM sys_load_error_detail WHERE file_name = '{file}'",
    ],
    files: [file],
    expect: { rows: [[String(code)]] },
  }
}

function rows(...all: readonly (readonly (string | null)[])[]): Expected {
  return { rows: all }
}

const FIELDS: readonly ConformanceCase[] = [
  copy({
    id: 'copy.empty',
    columns: 'a VARCHAR(5), b CHAR(2), c INT, d SUPER',
    file: '"","","",""\n',
    query: ['SELECT a, a IS NULL, b IS NULL, c IS NULL, d IS NULL FROM {t}'],
    expect: rows(['', 'f', 'f', 't', 't']),
  }),
  copy({ id: 'copy.empty', columns: 'a VARCHAR(5), b INT', file: ',\n', expect: rows(['', null]) }),
  copy({
    id: 'copy.emptyasnull',
    columns: 'a VARCHAR(5), b INT',
    file: '"",1\n',
    options: `${OPTIONS} EMPTYASNULL`,
    expect: rows([null, '1']),
  }),
  copy({
    id: 'copy.null-quoted',
    columns: 'a VARCHAR(5), b INT',
    file: '"@n",1\n@n,2\n',
    options: "FORMAT AS CSV NULL AS '@n'",
    query: ['SELECT COUNT(*) FROM {t} WHERE a IS NULL'],
    expect: rows(['2']),
  }),
  copy({
    id: 'copy.nul-marker',
    columns: 'a VARCHAR(5), b SUPER, c INT',
    file: '\0,\0,\0\n',
    expect: rows([null, null, null]),
  }),
  fails('copy.nul-marker', 'a VARCHAR(5), b INT', '"a\0b",1\n', 1218),
  copy({
    id: 'copy.empty-varbyte',
    columns: 'a VARBYTE(5), b INT',
    file: '"",1\n',
    expect: rows([null, '1']),
  }),
  copy({
    id: 'copy.csv',
    columns: 'a VARCHAR(9), b VARCHAR(9)',
    file: '"a""b","c,\nd"\n"\\",e\r\n',
    query: ['SELECT a, b FROM {t} ORDER BY b'],
    expect: rows(['a"b', 'c,\nd'], ['\\', 'e']),
  }),
  fails('copy.columns', 'a INT, b INT', '1\n', 1203),
  fails('copy.columns', 'a INT, b INT', '1,2,3\n', 1202),
  copy({ id: 'copy.hex', columns: 'a VARBYTE(5)', file: '00fF\n', expect: rows(['00ff']) }),
  fails('copy.hex', 'a VARBYTE(5)', '0g\n', 1219),
  fails('copy.not-null', 'a INT NOT NULL, b INT', '\0,1\n', 1213),
  fails('copy.utf8', 'a VARCHAR(5)', Buffer.from([0xff, 0x0a]), 1220),
  fails('copy.too-long', 'a VARCHAR(3)', 'éé\n', 1204),
  copy({
    id: 'copy.too-long',
    columns: 'a VARCHAR(3)',
    file: 'éé\n',
    options: `${OPTIONS} TRUNCATECOLUMNS`,
    expect: rows(['é']),
  }),
  fails('copy.char', 'a CHAR(3)', 'é\n', 1215),
]

const VALUES: readonly ConformanceCase[] = [
  copy({
    id: 'copy.super',
    columns: 'a SUPER',
    file: '"{""a"":[1,""x""]}"\n',
    query: ['SELECT COUNT(*) FROM {t} WHERE a IS NOT NULL'],
    expect: rows(['1']),
  }),
  fails('copy.super', 'a SUPER', '{\n', 1224),
  fails('copy.super', 'a SUPER', '"{""a"":1,""a"":2}"\n', 1224),
  fails('copy.super', 'a SUPER', `"""${'x'.repeat(65_536)}"""\n`, 1224),
  fails('copy.numbers', 'a INT', '1x\n', 1207),
  fails('copy.numbers', 'a SMALLINT', '32768\n', 1222),
  fails('copy.numbers', 'a REAL', 'x\n', 1208),
  fails('copy.numbers', 'a NUMERIC(4,2)', '1,2x\n'.replace(',', '.'), 1209),
  fails('copy.numbers', 'a BOOLEAN', 'maybe\n', 1210),
  copy({ id: 'copy.rounding', columns: 'a NUMERIC(4,2)', file: '1.239\n', expect: rows(['1.23']) }),
  copy({
    id: 'copy.rounding',
    columns: 'a NUMERIC(4,2)',
    file: '1.239\n',
    options: `${OPTIONS} ROUNDEC`,
    expect: rows(['1.24']),
  }),
  fails('copy.times', 'a DATE', '2026-02-30\n', 1205),
  fails('copy.times', 'a TIMESTAMP', 'infinity\n', 1206),
  copy({
    id: 'copy.times',
    columns: 'a DATE, b TIMESTAMP, c TIMESTAMPTZ, d TIME',
    file: '2026-11-24,2026-11-24 01:02:03.000004,2026-11-24 01:02:03+05:30,23:59:59.5\n',
    options: `${OPTIONS} TIMEFORMAT 'auto' DATEFORMAT 'auto'`,
    expect: rows([
      '2026-11-24',
      '2026-11-24 01:02:03.000004',
      '2026-11-23 19:32:03+00',
      '23:59:59.5',
    ]),
  }),
  fails('copy.times-wide', 'a DATE', '10000-01-01\n', 1205),
  fails('copy.times-wide', 'a TIMESTAMP', '0044-03-15 00:00:00 BC\n', 1206),
  fails('copy.times-wide', 'a TIME', '24:00:00\n', 1206),
  fails('copy.float-special', 'a DOUBLE PRECISION', 'NaN\n', 1208),
  fails('copy.float-special', 'a REAL', 'Infinity\n', 1208),
]

const TWO = { id: 'copy.manifest', columns: 'a INT' } as const

const FILES: readonly ConformanceCase[] = [
  {
    ...copy({
      ...TWO,
      file: '',
      query: ['SELECT a FROM {t} ORDER BY a'],
      expect: rows(['1'], ['2']),
    }),
    files: ['1\n', '2\n'],
  },
  { ...copy({ ...TWO, file: gzipSync('1\n'), options: `${OPTIONS} GZIP`, expect: rows(['1']) }) },
  {
    ...copy({ ...TWO, file: 'a\n1\n', options: `${OPTIONS} IGNOREHEADER 1`, expect: rows(['1']) }),
  },
  {
    ...copy({ id: 'copy.mandatory', columns: 'a INT', file: '', expect: { error: /./ } }),
    files: ['1\n', null],
    mandatory: true,
  },
  {
    ...copy({ id: 'copy.mandatory', columns: 'a INT', file: '', expect: rows(['1']) }),
    files: ['1\n', null],
    mandatory: false,
  },
  copy({
    id: 'copy.count',
    columns: 'a INT',
    file: '1\n2\n3\n',
    query: ['SELECT pg_last_copy_count()'],
    expect: rows(['3']),
  }),
  copy({
    id: 'copy.options',
    columns: 'a INT',
    file: '1\n',
    options: `${OPTIONS} COMPUPDATE OFF STATUPDATE OFF`,
    expect: rows(['1']),
  }),
  copy({
    id: 'copy.options',
    columns: 'a INT',
    file: '1\n',
    options: `${OPTIONS} NO_SUCH_OPTION`,
    expect: { error: /./ },
  }),
  {
    id: 'copy.iam',
    sql: ['CREATE TABLE {t} (a INT)', `COPY {t} FROM '{manifest}' MANIFEST ${OPTIONS}`],
    files: ['1\n'],
    expect: { error: /./ },
  },
  {
    id: 'copy.errors',
    sql: [
      'CREATE TABLE {t} (a INT, b INT)',
      'BEGIN',
      `!COPY {t} (b, a) FROM '{manifest}' IAM_ROLE {role} MANIFEST ${OPTIONS}`,
      'ROLLBACK',
      "SELECT line_number, column_name, error_code, raw_field_value FROM sys_load_error_detail WHERE file_name = '{file}'",
    ],
    files: ['1,2\n3,x\n'],
    expect: rows(['2', 'a', '1207', 'x']),
  },
]

export const COPY_CASES: readonly ConformanceCase[] = [...FIELDS, ...VALUES, ...FILES]

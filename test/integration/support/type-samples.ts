/**
 * Every type of PostgreSQL with its oddest values, in the text that the lake must have for them.
 *
 * A sample is written as the server writes it under our settings. Where what is inserted is written
 * in another way, a sample is a pair: what goes in, and what must come out.
 */

type Sample = string | readonly [input: string, output: string]

export interface TypeSamples {
  readonly type: string
  readonly samples: readonly Sample[]
  /** The first major version that has the type, or these values of it. */
  readonly since?: number
}

export interface TypeFamily {
  readonly name: string
  readonly types: readonly TypeSamples[]
}

/** Types that the samples need, in a schema of which no session knows by itself. */
export const SETUP = `
  create schema app;
  create schema ext;
  create extension hstore schema ext;
  create extension citext schema ext;
  create type app.mood as enum ('sad', '', 'it''s "ok", {so}', 'Grüße');
  create type app.pair as (a int, b text, c timestamptz);
  create type app.nest as (p app.pair, l app.pair[]);
  create type app.textrange as range (subtype = text, collation = "C");
  create domain app.posint as int check (value > 0);
  create domain app.posint2 as app.posint check (value < 1000);
  create domain app.ints as int[];
  create domain app.dpair as app.pair;
  create domain app.dmood as app.mood;
  create domain app.drange as tstzrange;
  create domain app.price as numeric(10, 2);
  create table app."Odd Table" (id int primary key);
  create table app.plain (id int primary key);`

const NINES = '9'.repeat(1000)
const ALL_BYTES = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0')).join('')
const BITS = '10110010'.repeat(40)

const TIMESTAMPS = [
  '2024-02-29 23:59:59.999999',
  '1970-01-01 00:00:00.1',
  '0001-01-01 00:00:00 BC',
  '0044-03-15 12:00:00.5 BC',
  '4714-11-24 00:00:00 BC',
  '10000-01-01 00:00:00',
  '294276-12-31 23:59:59.999999',
  'infinity',
  '-infinity',
]

const zoned = (text: string): string =>
  text.endsWith('infinity') ? text : text.replace(/( BC)?$/, '+00$1')

export const FAMILIES: readonly TypeFamily[] = [
  {
    name: 'booleans and integers',
    types: [
      { type: 'bool', samples: ['t', 'f'] },
      { type: 'int2', samples: ['-32768', '0', '32767'] },
      { type: 'int4', samples: ['-2147483648', '2147483647'] },
      { type: 'int8', samples: ['-9223372036854775808', '9223372036854775807'] },
      { type: 'oid', samples: ['0', '4294967295'] },
    ],
  },
  {
    name: 'numeric',
    types: [
      {
        type: 'numeric',
        samples: [
          '0',
          ['-0', '0'],
          '0.000',
          '-1.500',
          ['1e-30', '0.000000000000000000000000000001'],
          ['1e25', '10000000000000000000000000'],
          NINES,
          `-${NINES}`,
          `0.${NINES}`,
          `${NINES}.${NINES}`,
          '9'.repeat(131_072),
          'NaN',
        ],
      },
      { type: 'numeric', samples: ['Infinity', '-Infinity'], since: 14 },
      { type: 'numeric(10,2)', samples: [['1', '1.00'], '-99999999.99', 'NaN'] },
      { type: 'numeric(3,-2)', samples: [['12345', '12300']], since: 15 },
    ],
  },
  {
    name: 'floating point and money',
    types: [
      {
        type: 'float4',
        samples: ['0.1', '-0', '1e-45', '3.4028235e+38', '1.1754944e-38', '1.6777216e+07', 'NaN', 'Infinity', '-Infinity'], // prettier-ignore
      },
      {
        type: 'float8',
        samples: ['0.1', '-0', '0.30000000000000004', '5e-324', '1.7976931348623157e+308', '1e+22', '123456789012345.67', 'NaN', 'Infinity', '-Infinity'], // prettier-ignore
      },
      {
        type: 'money',
        samples: [
          ['0', '$0.00'],
          ['1234.5', '$1,234.50'],
          ['-92233720368547758.08', '-$92,233,720,368,547,758.08'],
        ],
      },
    ],
  },
  {
    name: 'characters',
    types: [
      {
        type: 'text',
        samples: [
          '',
          ' ',
          'NULL',
          '\\N',
          '\\.',
          '\\',
          '"',
          '""',
          "'",
          ',',
          '\n',
          '\r',
          '\r\n,"x"\n1,2,3\n',
          '\t\b\f\v',
          '{}',
          'e\u0301 \u00e9 \ufeff \u0001\u007f',
          'x'.repeat(100_000),
        ],
      },
      { type: 'varchar(5)', samples: ['', 'Gr\u00fc\u00dfe', '     '] },
      { type: 'char(5)', samples: [['', '     '], ['ab', 'ab   '], 'abcde'] }, // prettier-ignore
      { type: 'name', samples: ['', 'Odd "name"', '\u00e4'.repeat(31)] },
      { type: '"char"', samples: ['', 'a', '"', '\\'] },
      { type: '"char"', samples: ['\\377', '\\200'], since: 16 },
      { type: 'ext.citext', samples: ['', 'MiXeD \u00c4'] },
    ],
  },
  {
    name: 'bytes and bits',
    types: [
      {
        type: 'bytea',
        samples: ['\\x', '\\x00', `\\x${ALL_BYTES}`, `\\x${ALL_BYTES.repeat(300)}`],
      },
      { type: 'bit(8)', samples: ['00000000', '10110010'] },
      { type: 'varbit', samples: ['', '1', BITS] },
    ],
  },
  {
    name: 'dates and times',
    types: [
      {
        type: 'date',
        samples: ['2000-02-29', '0001-12-31 BC', '4714-11-24 BC', '10000-01-01', '5874897-12-31', 'infinity', '-infinity'], // prettier-ignore
      },
      { type: 'time', samples: ['00:00:00', '23:59:59.999999', '24:00:00', '12:00:00.1'] },
      {
        type: 'timetz',
        samples: ['00:00:00+00', '23:59:59.999999+05:30', '24:00:00-15:59:59', '12:00:00+15:59'],
      },
      { type: 'timestamp', samples: TIMESTAMPS },
      { type: 'timestamptz', samples: TIMESTAMPS.map(zoned) },
      {
        type: 'timestamptz(0)',
        samples: [['2024-02-29 23:59:59.6+05:45', '2024-02-29 18:15:00+00']],
      },
    ],
  },
  {
    name: 'intervals',
    types: [
      {
        type: 'interval',
        samples: [
          '00:00:00',
          '1 day',
          '-1 days',
          '1 mon',
          '1 year 2 mons -3 days +04:05:06.000007',
          '-1 years -2 mons +3 days -04:05:06.7',
          '178000000 years',
          '-178000000 years',
          '2147483647 days',
          '2147483647:59:59.999999',
          '-00:00:00.000001',
        ],
      },
      { type: 'interval', samples: ['2562047788:00:54.775807', '-2562047788:00:54.775807'], since: 15 }, // prettier-ignore
      { type: 'interval', samples: ['infinity', '-infinity'], since: 17 },
      { type: 'interval year to month', samples: ['1 year 2 mons'] },
    ],
  },
  {
    name: 'json, xml and hstore',
    types: [
      {
        type: 'json',
        samples: [
          '{"b" :1,  "a":\n [ ],"b":2 }',
          ' null ',
          '"\\u00e9\\ud83d\\ude80 \\u0000"',
          '1.50e+400',
        ],
      },
      {
        type: 'jsonb',
        samples: [
          ['{"b" :1,  "a":\n [ ],"b":2 }', '{"a": [], "b": 2}'],
          ['"\\u00e9\\ud83d\\ude80 \\n\\""', '"\u00e9\u{1f680} \\n\\""'],
          ['1.50e3', '1500'],
          'null',
          `{"n": ${NINES}}`,
        ],
      },
      {
        type: 'jsonpath',
        samples: [
          ['$.a[*] ? (@ > 1)', '$."a"[*]?(@ > 1)'],
          ['strict $.x', 'strict $."x"'],
        ],
      },
      {
        type: 'xml',
        samples: [
          '',
          'no tag &amp; \u00e9',
          '<a  b="1">\n <!-- c --><![CDATA[<]]></a>',
          ['<?xml version="1.0" encoding="UTF-8"?><r/>', '<r/>'],
          ['<?xml version="1.1"?><r/>', '<?xml version="1.1"?><r/>'],
        ],
      },
      {
        type: 'ext.hstore',
        samples: ['', '"a"=>"1", "b"=>NULL', '""=>"NULL", "k\\"\\\\"=>"\u00e9, =>"'],
      },
    ],
  },
  {
    name: 'networks',
    types: [
      {
        type: 'inet',
        samples: ['192.168.0.1', '192.168.0.1/24', '0.0.0.0/0', '::', '::1/0', '::ffff:1.2.3.4', '2001:db8::ff00:42:8329'], // prettier-ignore
      },
      { type: 'cidr', samples: ['10.0.0.0/8', '192.168.0.1/32', '::/0', '2001:db8::/32'] },
      { type: 'macaddr', samples: ['08:00:2b:01:02:03', 'ff:ff:ff:ff:ff:ff'] },
      { type: 'macaddr8', samples: ['08:00:2b:01:02:03:04:05'] },
    ],
  },
  {
    name: 'geometry',
    types: [
      { type: 'point', samples: ['(1,2)', '(0.1,-0)', '(NaN,Infinity)', '(1e+300,5e-324)'] },
      { type: 'line', samples: ['{1,-2,0.30000000000000004}'] },
      { type: 'lseg', samples: ['[(1,2),(3,4)]'] },
      { type: 'box', samples: ['(3,4),(1,2)', '(0.1,0.2),(-1e-05,-0)'] },
      { type: 'path', samples: ['((1,2),(3,4))', '[(1,2),(3,4),(0.1,0.7)]'] },
      { type: 'polygon', samples: ['((0,0),(1,1.1),(2,0))'] },
      { type: 'circle', samples: ['<(1,2),3.3>', '<(0,0),Infinity>'] },
    ],
  },
  {
    name: 'full text search',
    types: [
      { type: 'tsvector', samples: ['', `'a':1A,2B 'b c':3 'back\\\\slash':16383 'it''s'`] },
      { type: 'tsquery', samples: ['', `'a' & !'b' | 'c':*AB <-> 'it''s'`, `'x' <3> 'y z'`] },
    ],
  },
  {
    name: 'the types of the system',
    types: [
      { type: 'uuid', samples: ['00000000-0000-0000-0000-000000000000', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'] }, // prettier-ignore
      { type: 'pg_lsn', samples: ['0/0', '16/B374D848', 'FFFFFFFF/FFFFFFFF'] },
      { type: 'txid_snapshot', samples: ['10:20:10,14,15', '1:1:'] },
      { type: 'pg_snapshot', samples: ['10:20:10,14,15', '1:1:'] },
      { type: 'xid', samples: ['0', '4294967295'] },
      { type: 'xid8', samples: ['0', '18446744073709551615'] },
      { type: 'cid', samples: ['4294967295'] },
      { type: 'tid', samples: ['(0,1)', '(4294967295,65535)'] },
      { type: 'refcursor', samples: ['<unnamed portal 1>'] },
      { type: 'int2vector', samples: ['', '1 -2 3'] },
      { type: 'oidvector', samples: ['', '4294967295 0'] },
      { type: 'aclitem', samples: ['=r/postgres', 'postgres=arwd*/postgres'] },
    ],
  },
  {
    name: 'names of objects',
    types: [
      {
        type: 'regclass',
        samples: ['-', 'pg_class', 'app.plain', 'app."Odd Table"', '4294967295'],
      },
      { type: 'regtype', samples: ['-', 'integer', 'timestamp with time zone', 'app.mood', 'app.mood[]', '"char"'] }, // prettier-ignore
      { type: 'regproc', samples: ['-', 'now', 'ext.citext_eq'] },
      { type: 'regprocedure', samples: ['abs(integer)', 'ext.defined(ext.hstore,text)'] },
      { type: 'regoper', samples: ['||/'] },
      { type: 'regoperator', samples: ['+(integer,integer)', 'ext.->(ext.hstore,text)'] },
      { type: 'regrole', samples: ['postgres', '-'] },
      { type: 'regnamespace', samples: ['app', 'pg_catalog'] },
      { type: 'regconfig', samples: ['english'] },
      { type: 'regdictionary', samples: ['simple'] },
      { type: 'regcollation', samples: ['"C"'] },
    ],
  },
  {
    name: 'ranges',
    types: [
      { type: 'int4range', samples: ['empty', '[1,5)', '(,)', ['[1,1]', '[1,2)']] },
      { type: 'int8range', samples: ['[-9223372036854775808,9223372036854775807)'] },
      { type: 'numrange', samples: ['[1.0,1.00]', '(0.5,)'] },
      { type: 'numrange', samples: ['[-Infinity,Infinity)'], since: 14 },
      { type: 'daterange', samples: ['["0044-03-15 BC",10000-01-01)', '[-infinity,infinity)'] },
      { type: 'tsrange', samples: ['["2000-01-01 00:00:00",infinity]'] },
      { type: 'tstzrange', samples: ['["2000-01-01 00:00:00+00","10000-01-01 00:00:00.1+00")'] },
      { type: 'app.textrange', samples: ['["a b","c,""d"]', '["",x)', '(,"\\\\")'] },
    ],
  },
  {
    name: 'multiranges',
    types: [
      { type: 'int4multirange', samples: ['{}', '{[1,3),[5,6)}'], since: 14 },
      { type: 'int8multirange', samples: ['{(,)}'], since: 14 },
      { type: 'nummultirange', samples: ['{[1.0,1.00],(2,)}'], since: 14 },
      { type: 'datemultirange', samples: ['{[2000-01-01,2000-01-02)}'], since: 14 },
      { type: 'tsmultirange', samples: ['{["2000-01-01 00:00:00",infinity]}'], since: 14 },
      { type: 'tstzmultirange', samples: ['{["2000-01-01 00:00:00+00",)}'], since: 14 },
      { type: 'app.textmultirange', samples: ['{["a b","c,""d"],["x(",y)}'], since: 14 },
    ],
  },
  {
    name: 'enums and composites',
    types: [
      { type: 'app.mood', samples: ['sad', '', `it's "ok", {so}`, 'Gr\u00fc\u00dfe'] },
      {
        type: 'app.pair',
        samples: ['(,,)', '(1,"x, ""y""\\\\","10000-01-01 00:00:00+00")', '(-1,"",infinity)'],
      },
      {
        type: 'app.nest',
        samples: ['("(1,""a,b"",)","{""(2,,\\\\""2000-01-01 00:00:00+00\\\\"")"",NULL}")'],
      },
    ],
  },
  {
    name: 'domains',
    types: [
      { type: 'app.posint', samples: ['1'] },
      { type: 'app.posint2', samples: ['999'] },
      { type: 'app.ints', samples: ['{1,NULL}', '[0:1]={1,2}'] },
      { type: 'app.dpair', samples: ['(1,"a b","2000-01-01 00:00:00+00")'] },
      { type: 'app.dmood', samples: ['sad'] },
      { type: 'app.drange', samples: ['["2000-01-01 00:00:00+00",)'] },
      { type: 'app.price', samples: [['1', '1.00']] },
      { type: 'app.posint[]', samples: ['{1,2}'] },
      { type: 'app.ints[]', samples: ['{"{1,2}",NULL}'] },
    ],
  },
  {
    name: 'arrays',
    types: [
      {
        type: 'int4[]',
        samples: ['{}', '{NULL,1}', '[0:1]={1,2}', '[-5:-4][2:3]={{1,2},{3,4}}', '{{{1,2},{3,4}},{{5,6},{7,8}}}'], // prettier-ignore
      },
      {
        type: 'text[]',
        samples: ['{"",NULL,"NULL","a,b","\\"","\\\\"," x ","{}",plain}', '{"a\nb",\u{1f680}}'],
      },
      { type: 'char(3)[]', samples: [['{a}', '{"a  "}']] },
      { type: 'box[]', samples: ['{(1,1),(0,0);(2,2),(1,1)}'] },
      { type: 'point[]', samples: ['{"(1,2)",NULL}'] },
      { type: 'timestamptz[]', samples: ['{"0044-03-15 12:00:00.5+00 BC",infinity}'] },
      { type: 'interval[]', samples: ['{"1 year -1 days +00:00:01",00:00:00}'] },
      { type: 'bytea[]', samples: ['{"\\\\x00ff","\\\\x"}'] },
      { type: 'float8[]', samples: ['{0.1,-0,NaN,-Infinity}'] },
      { type: 'numeric[]', samples: [`{1.50,NaN,${NINES}}`] },
      { type: 'money[]', samples: [['{1234.5}', '{"$1,234.50"}']] },
      { type: 'jsonb[]', samples: ['{"{\\"a\\": [1, \\"x\\"]}",NULL}'] },
      { type: 'app.mood[]', samples: ['{sad,"","it\'s \\"ok\\", {so}"}'] },
      { type: 'app.pair[]', samples: ['{"(1,\\"a b\\",\\"2000-01-01 00:00:00+00\\")"}'] },
      { type: 'ext.hstore[]', samples: ['{"\\"a\\"=>\\"1\\""}'] },
      { type: 'int4range[]', samples: ['{"[1,5)",empty}'] },
      { type: 'regclass[]', samples: ['{pg_class,"app.\\"Odd Table\\""}'] },
      { type: 'bool[]', samples: ['{t,f,NULL}'] },
      { type: 'oidvector[]', samples: ['{"1 2",3}'] },
    ],
  },
]

/** Base types of the system that no column can have values of: their input function refuses all. */
export const WITHOUT_VALUES: ReadonlySet<string> = new Set([
  'gtsvector',
  'pg_brin_bloom_summary',
  'pg_brin_minmax_multi_summary',
  'pg_dependencies',
  'pg_mcv_list',
  'pg_ndistinct',
  'pg_node_tree',
])

export function inputOf(sample: Sample): string {
  return typeof sample === 'string' ? sample : sample[0]
}

export function outputOf(sample: Sample): string {
  return typeof sample === 'string' ? sample : sample[1]
}

/** Reading `millrace.yaml`: what comes out, and every way to be told that something is wrong. */

import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'

import { loadConfig, parseConfig } from '../../../src/config/load.ts'
import { CodedError } from '../../../src/core/errors.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

const env = {
  SOURCE_URL: 'postgres://shop:s3cret@db.example:5432/shop',
  TOKEN: 't0ken',
  MILLRACE_TOKEN: 't0ken',
  MIRROR_URL: 'postgres://shop:s3cret@mirror.example/shop',
  REDSHIFT_URL: 'postgres://shop:s3cret@warehouse.example:5439/dev',
  WRONG: 'mysql://shop:s3cret@db.example/shop',
}
const file = '/etc/shop/millrace.yaml'

const minimal = `task: shop
source:
  url: env:SOURCE_URL
lake:
  url: ./lake
`

function parse(text: string) {
  return parseConfig(text, { file, env })
}

function refusal(text: string): CodedError {
  try {
    parse(text)
  } catch (error) {
    if (error instanceof CodedError) return error
    throw error
  }
  return assert.fail('the configuration was accepted')
}

/** What a target does with its tables if nothing is said. */
const MIRROR = {
  modes: [{ tables: '*.*', mode: 'mirror' }],
  rename: [],
  columns: [],
  onDrop: { table: 'keep', column: 'keep' },
}

describe('a configuration', () => {
  test('needs only a task, a source and a lake', () => {
    assert.deepEqual(parse(minimal).config, {
      file,
      task: 'shop',
      load: 'full-load-and-cdc',
      source: {
        url: env.SOURCE_URL,
        urlFile: null,
        auth: 'password',
        tables: ['*.*'],
        columns: [],
        slot: 'millrace_shop',
        publication: { name: 'millrace_shop', isOurs: true },
        heartbeatMs: 60_000,
        ddl: 'resync',
        lookEveryMs: 10_000,
        walBudget: null,
        failover: false,
        spoolFolder: '/etc/shop/.millrace/shop/spool',
      },
      lake: {
        place: { type: 'folder', folder: '/etc/shop/lake' },
        format: 'csv.gz',
        parquet: { arrays: 'json', types: 'plain', unfit: 'error' },
        keep: { keepMs: null, keepLoads: null },
        flush: { everyMs: 5000, rows: 100_000, bytes: 67_108_864, putsPerSecond: null },
      },
      targets: [],
      fullLoad: { parallel: 4, rangeBytes: 268_435_456, maxRowsPerSecond: null },
      server: { host: '127.0.0.1', port: 7070, token: null },
    })
  })

  test('may leave out the host, or name a socket', () => {
    for (const url of ['postgres://', 'postgres://u:p@/shop?host=/tmp', 'postgres:///shop']) {
      assert.equal(parse(minimal.replace('env:SOURCE_URL', `'${url}'`)).config.source.url, url)
    }
  })

  test('may say everything that this version has', () => {
    const { config, warnings } = parse(`
task: shop
load: cdc
source:
  url: env:SOURCE_URL
  auth: rds-iam
  tables: ['app.*', '!app.audit_*']
  columns: { app.users: { exclude: [password, token] } }
  slot: my_slot
  publication: My publication
  heartbeat: 5s
  lookEvery: 1s
  walBudget: { bytes: 50GiB, action: drop-slot }
  failover: true
  spool: /var/spool/shop
lake:
  url: file:///var/lake
  format: csv
  keep: 400d
  keepLoads: until-taken
  flush: { every: 100ms, rows: 1_000, bytes: 1MiB, putsPerSecond: 0.5 }
targets:
  local: { type: duckdb, path: ./warehouse.duckdb }
  other:
    type: duckdb
    path: /data/other.duckdb
    interval: 0s
    tables: [app.*]
    mode: { '*.*': mirror, app.audit: history }
    rename: [{ schema: app, to: analytics }, { table: app.*, to: raw_* }]
    columns: { app.users: { exclude: [email] } }
    onDrop: { table: drop }
  mirror: { type: postgres, url: env:MIRROR_URL, auth: rds-iam, schema: ledgers }
fullLoad: { parallel: 2, rangeBytes: 1GiB, maxRowsPerSecond: 50_000 }
server: { listen: '0.0.0.0:80', token: env:TOKEN }
`)
    assert.deepEqual(config, {
      file,
      task: 'shop',
      load: 'cdc',
      source: {
        url: env.SOURCE_URL,
        urlFile: null,
        auth: 'rds-iam',
        tables: ['app.*', '!app.audit_*'],
        columns: [{ tables: 'app.users', exclude: ['password', 'token'] }],
        slot: 'my_slot',
        publication: { name: 'My publication', isOurs: false },
        heartbeatMs: 5000,
        ddl: 'resync',
        lookEveryMs: 1000,
        walBudget: { bytes: 53_687_091_200, action: 'drop-slot' },
        failover: true,
        spoolFolder: '/var/spool/shop',
      },
      lake: {
        place: { type: 'folder', folder: '/var/lake' },
        format: 'csv',
        parquet: { arrays: 'json', types: 'plain', unfit: 'error' },
        keep: { keepMs: 34_560_000_000, keepLoads: 'until-taken' },
        flush: { everyMs: 100, rows: 1000, bytes: 1_048_576, putsPerSecond: 0.5 },
      },
      targets: [
        {
          name: 'local',
          type: 'duckdb',
          path: '/etc/shop/warehouse.duckdb',
          tables: ['*.*'],
          intervalMs: 1000,
          treatment: MIRROR,
        },
        {
          name: 'other',
          type: 'duckdb',
          path: '/data/other.duckdb',
          tables: ['app.*'],
          intervalMs: 0,
          treatment: {
            modes: [
              { tables: '*.*', mode: 'mirror' },
              { tables: 'app.audit', mode: 'history' },
            ],
            rename: [
              { schema: 'app', to: 'analytics' },
              { table: 'app.*', to: 'raw_*' },
            ],
            columns: [{ tables: 'app.users', exclude: ['email'] }],
            onDrop: { table: 'drop', column: 'keep' },
          },
        },
        {
          name: 'mirror',
          type: 'postgres',
          treatment: MIRROR,
          url: env.MIRROR_URL,
          urlFile: null,
          auth: 'rds-iam',
          schema: 'ledgers',
          tables: ['*.*'],
          intervalMs: 1000,
        },
      ],
      fullLoad: { parallel: 2, rangeBytes: 1_073_741_824, maxRowsPerSecond: 50_000 },
      server: { host: '0.0.0.0', port: 80, token: 't0ken' },
    })
    assert.deepEqual(warnings, [])
  })

  test('puts at most ten files a second into a bucket, unless it says otherwise', () => {
    const inBucket = minimal.replace('./lake', 's3://lake/shop')
    assert.equal(parse(inBucket).config.lake.flush.putsPerSecond, 10)
    const faster = inBucket.replace(
      's3://lake/shop',
      's3://lake/shop\n  flush: { putsPerSecond: 50 }',
    )
    assert.equal(parse(faster).config.lake.flush.putsPerSecond, 50)
  })

  test('may do without a server', () => {
    assert.equal(parse(`${minimal}server: null\n`).config.server, null)
  })

  test('works with a secret written out, and warns', () => {
    const { config, warnings } = parse(
      minimal.replace('env:SOURCE_URL', 'postgres://shop:s3cret@db/shop') +
        'server:\n  token: t0ken\n',
    )
    assert.equal(config.source.url, 'postgres://shop:s3cret@db/shop')
    assert.deepEqual(warnings, [
      `${file}:3:8 source.url: a secret is written out; better refer to it as env:NAME`,
      `${file}:7:10 server.token: a secret is written out; better refer to it as env:NAME`,
    ])
  })

  test('has no reason to warn of a url without a password', () => {
    const text = minimal.replace('env:SOURCE_URL', 'postgres://shop@db/shop')
    assert.deepEqual(parse(text).warnings, [])
  })

  test('can be read without secrets that nobody needs', () => {
    const options = { file, env: {}, optional: ['source.url'] } as const
    const { config } = parseConfig(minimal, options)
    assert.equal(config.task, 'shop')
    assert.equal(config.source.url, 'postgres://unresolved/')
  })
})

describe('a mistake', () => {
  const cases: readonly (readonly [what: string, text: string, message: string])[] = [
    [
      'too little time',
      minimal.replace('./lake', './lake\n  keep: 30m'),
      '6:9 lake.keep: "30m" is too small',
    ],
    [
      'a misspelling of until-taken',
      minimal.replace('./lake', './lake\n  keepLoads: until-take'),
      '6:14 lake.keepLoads: expected a duration such as 7d, or until-taken, found "until-take"',
    ],
    ['no value', minimal.replace('task: shop\n', ''), '1:1 task: is missing'],
    [
      'nothing behind the key',
      minimal.replace('shop', ''),
      '1:1 task: expected a text, found nothing',
    ],
    [
      'a number for a text',
      minimal.replace('shop', '5'),
      '1:7 task: expected a text, found a number',
    ],
    [
      'a task that cannot name a slot',
      minimal.replace('shop', 'my-shop'),
      '1:7 task: a task name begins with a-z and has only a-z, 0-9 and _, at most 40 of them',
    ],
    ['no section', minimal.replace(/lake:\n.*\n/, ''), '1:1 lake: is missing'],
    [
      'a list for a section',
      minimal.replace('lake:\n  url: ./lake', 'lake: [a]'),
      '4:7 lake: expected keys and values, found a list',
    ],
    [
      'a missing key of a section',
      minimal.replace('url: ./lake', 'format: csv'),
      '4:1 lake.url: is missing',
    ],
    [
      'a misspelled key',
      minimal.replace('  url: env', '  tabels: []\n  url: env'),
      '3:3 source.tabels: unknown key; did you mean tables?',
    ],
    [
      'a key of nowhere',
      `${minimal}  zzz: 1\n`,
      '6:3 lake.zzz: unknown key; known here: url, format, parquet, flush, keep, keepLoads, s3, unfenced',
    ],
    [
      'a misspelled section',
      `${minimal}sever: null\n`,
      '6:1 sever: unknown key; did you mean server?',
    ],
    [
      'an unknown key of a target',
      `${minimal}targets:\n  w: { type: duckdb, path: x, intervall: 5s }\n`,
      '7:31 targets.w.intervall: unknown key; did you mean interval?',
    ],
    ['a key twice', `${minimal}task: other\n`, '6:1 this key stands here twice'],
    [
      'a duration without unit',
      `${minimal}  flush: { every: 5 }\n`,
      '6:19 lake.flush.every: expected a duration such as 100ms, 5s, 1m or 12h: the number needs a unit',
    ],
    [
      'a size in units of thousand',
      `${minimal}  flush:\n    bytes: 64MB\n`,
      '7:12 lake.flush.bytes: expected a size such as 512KiB, 64MiB or 50GiB, found "64MB"',
    ],
    [
      'too few rows',
      `${minimal}  flush: { rows: 0 }\n`,
      '6:18 lake.flush.rows: must be at least 1',
    ],
    [
      'too much at once',
      `${minimal}fullLoad: { parallel: 65 }\n`,
      '6:23 fullLoad.parallel: must be at most 64',
    ],
    [
      'half a row',
      `${minimal}  flush: { rows: 1.5 }\n`,
      '6:18 lake.flush.rows: expected a whole number, found a number',
    ],
    ['an unknown load', `${minimal}load: all\n`, '6:7 load: expected full-load-and-cdc or cdc'],
    [
      'a table without a schema',
      minimal.replace('lake:', '  tables:\n    - app.*\n    - orders\nlake:'),
      '6:7 source.tables[1]: expected schema.table, where * stands for any text, such as app.* or !app.audit_*',
    ],
    [
      'columns of what is no table',
      minimal.replace('lake:', '  columns: { users: { exclude: [x] } }\nlake:'),
      null,
    ],
    [
      'columns of tables that are excluded',
      minimal.replace('lake:', "  columns: { '!app.users': { exclude: [x] } }\nlake:"),
      null,
    ],
    [
      'no columns',
      minimal.replace('lake:', '  columns: { app.users: { exclude: [] } }\nlake:'),
      '4:36 source.columns."app.users".exclude: expected at least one column',
    ],
    [
      'tables that only exclude',
      minimal.replace('lake:', "  tables: ['!app.x']\nlake:"),
      '4:11 source.tables: only excludes tables; begin with a pattern that includes some, such as *.*',
    ],
    [
      'a slot that PostgreSQL refuses',
      minimal.replace('lake:', '  slot: My-Slot\nlake:'),
      '4:9 source.slot: a slot name has only a-z, 0-9 and _, and at most 63 of them',
    ],
    [
      'the url of another database',
      minimal.replace('env:SOURCE_URL', 'mysql://db/shop'),
      '3:8 source.url: expected postgres://user@host:5432/database, or a reference to it such as env:NAME',
    ],
    [
      'the url of another database behind a reference',
      minimal.replace('SOURCE_URL', 'WRONG'),
      '3:8 source.url: expected postgres://user@host:5432/database, or a reference to it such as env:NAME (that is the value of env:WRONG)',
    ],
    [
      'a password that breaks the url',
      minimal.replace('env:SOURCE_URL', '"postgres://shop:a#b@db/shop"'),
      '3:8 source.url: is not a valid url; in passwords, characters such as # / ? @ must be percent-encoded',
    ],
    [
      'a reference to a service',
      minimal.replace('env:SOURCE_URL', 'ssm:shop'),
      '3:8 source.url: a reference to ssm is not in this version yet; use env:NAME or file:PATH',
    ],
    [
      'a server for everyone without a token',
      `${minimal}server: { listen: ':7070' }\n`,
      '6:1 server.token: is required, because other machines can connect to server.listen',
    ],
    [
      'no port',
      `${minimal}server: { listen: 127.0.0.1 }\n`,
      '6:19 server.listen: expected host:port, such as 127.0.0.1:7070',
    ],
    [
      'a bad name of a target',
      `${minimal}targets:\n  My target: { type: duckdb, path: x }\n`,
      '7:3 targets."My target": a target name begins with a-z and has only a-z, 0-9, _ and -, at most 40 of them',
    ],
    [
      'a target without a type',
      `${minimal}targets:\n  w: { path: x }\n`,
      '7:3 targets.w.type: expected a type: duckdb, postgres, redshift, dms-files',
    ],
    [
      'an unknown type of target',
      `${minimal}targets:\n  w: { type: oracle }\n`,
      '7:14 targets.w.type: no such type of target; this version has: duckdb, postgres, redshift, dms-files',
    ],
    [
      'the source as a target',
      `${minimal}targets:\n  w: { type: postgres, url: 'postgres://me@db.example/shop' }\n`,
      '7:29 targets.w.url: is the source, which cannot be a target',
    ],
    [
      'a schema of the system for the ledger',
      `${minimal}targets:\n  w: { type: postgres, url: env:MIRROR_URL, schema: pg_x }\n`,
      '7:53 targets.w.schema: names that begin with pg_ belong to the system',
    ],
    [
      'two targets in one file',
      `${minimal}targets:\n  a: { type: duckdb, path: x.db }\n  b: { type: duckdb, path: ./y/../x.db }\n`,
      '8:28 targets.b.path: is the file of targets.a too',
    ],
    ['a list instead of keys', '- task: shop\n', '1:1 expected keys and values'],
    ['an empty file', '# nothing\n', '1:1 there are no keys in the file'],
    [
      'an alias without an anchor',
      `${minimal}server: *none\n`,
      '6:9 there is no anchor &none before this',
    ],
    ['YAML that is none', 'task: shop\nsource: {url: x\n', null],
    ['a tab for indentation', 'task: shop\nsource:\n\turl: x\n', null],
  ].map(([what, text, message]) => [what, text, message] as [string, string, string])

  for (const [what, text, message] of cases) {
    test(`is pointed at: ${what}`, () => {
      const { code, message: found } = refusal(text)
      assert.equal(code, 'CONFIG_INVALID')
      if (message === null) assert.match(found, new RegExp(`^${file}:\\d+:\\d+ .`))
      else assert.equal(found, `${file}:${message}`)
      assert.doesNotMatch(found, /s3cret|t0ken/)
    })
  }

  test('does not hide the others', () => {
    const { message } = refusal(`task: Shop
sorce: {}
source:
  url: env:MISSING
  slot: A
lake:
  url: ./lake
  flush: { every: 5 }
  url: twice
`)
    assert.equal(
      message,
      [
        `${file} has 6 mistakes`,
        `${file}:1:7 task: a task name begins with a-z and has only a-z, 0-9 and _, at most 40 of them`,
        `${file}:2:1 sorce: unknown key; did you mean source?`,
        `${file}:4:8 source.url: the environment variable MISSING is not set`,
        `${file}:5:9 source.slot: a slot name has only a-z, 0-9 and _, and at most 63 of them`,
        `${file}:8:19 lake.flush.every: expected a duration such as 100ms, 5s, 1m or 12h: the number needs a unit`,
        `${file}:9:3 this key stands here twice`,
      ].join('\n'),
    )
  })
})

describe('what a later version will have', () => {
  const cases = [
    ['mappings', ['task', 'mappings: ./m.json\ntask'], '1:11 mappings: is not in this version yet'],
    ...['cassandra'].map(
      (type) =>
        [
          `targets of type ${type}`,
          ['task', `targets: { w: { type: ${type}, url: env:X } }\ntask`],
          `1:23 targets.w.type: a target of type ${type} is not in this version yet; this version has: duckdb, postgres, redshift, dms-files`,
        ] as const,
    ),
    [
      'rename of a target that is files',
      ['task', 'targets: { w: { type: dms-files, url: ./x, rename: [] } }\ntask'],
      '1:52 targets.w.rename: is not in this version yet',
    ],
    [
      'a mode that there is not',
      ['task', 'targets: { w: { type: duckdb, path: x, mode: append } }\ntask'],
      '1:46 targets.w.mode: expected mirror, soft-delete, history, or one of them for each pattern of tables',
    ],
    [
      'a mode that needs the rows which nobody loads',
      ['task', 'targets: { w: { type: duckdb, path: x, mode: soft-delete } }\nload: cdc\ntask'],
      '1:46 targets.w.mode: soft-delete needs the rows that exist, and load: cdc loads none',
    ],
    [
      'a rename of nothing that has a name',
      ['task', 'targets: { w: { type: duckdb, path: x, rename: [{ to: a }] } }\ntask'],
      '1:49 targets.w.rename[0]: expected { schema: app, to: analytics }, { table: app.orders, to: sales } or { column: app.users.email, to: mail }',
    ],
  ] as const
  for (const [what, [from, to], message] of cases) {
    test(`is refused rather than ignored: ${what}`, () => {
      const { code, message: found } = refusal(minimal.replace(from, to))
      assert.equal(code, 'CONFIG_INVALID')
      assert.equal(found, `${file}:${message}`)
    })
  }

  test('is known, all of it, so that nothing is called a misspelling', () => {
    const everything = String.raw`task: shop                                  # names slot, publication, ledgers: millrace_shop
load: full-load-and-cdc                     # | full-load | cdc      (DMS: migration type)
source:
  url: env:SOURCE_URL                       # TLS verified unless the host is local
  tables: ['app.*', '!app.audit_*']         # * only; ! excludes; later wins
  columns: { app.users: { exclude: [password_hash] } }    # 15+: never leaves the source; 13/14: dropped in capture
  slot: millrace_shop                       # optional, so is publication
  walBudget: { bytes: 50GiB, action: warn }
lake:
  url: s3://increase-lake/shop              # or ./lake ; s3: { region, endpoint, pathStyle, kmsKey } where needed
  format: csv.gz                            # csv | csv.gz | parquet
  keep: 400d                                # and keepLoads: until-taken | <time>
  flush: { every: 5s, rows: 100000, bytes: 64MiB, putsPerSecond: 10 }
targets:
  warehouse: { type: redshift, url: env:REDSHIFT_URL, iamRole: default, interval: 60s, rename: [{ schema: app, to: analytics }] }
  local:     { type: duckdb, path: ./warehouse.duckdb }
  mirror:    { type: postgres, url: env:MIRROR_URL, tables: ['app.orders'] }
  files:     { type: dms-files, url: s3://increase-dms/shop, settings: 'addColumnName=true;' }
  conciliation: { type: cassandra, contactPoints: [cass1], keyspace: app, datacenter: dc1 }
mappings: ./dms-table-mappings.json         # instead of source.tables and rename, never beside them
server: { listen: 127.0.0.1:7070, token: env:MILLRACE_TOKEN }   # the token is required when not on loopback`
    const [title, ...mistakes] = refusal(everything).message.split('\n')
    assert.equal(title, `${file} has 2 mistakes`)
    assert.deepEqual(
      mistakes.filter((text) => !text.includes('is not in this version yet')),
      [],
    )
    assert.deepEqual(
      mistakes.map((text) => / (\S+):/.exec(text)?.[1]),
      ['targets.conciliation.type', 'mappings'],
    )
  })
})

describe('a file', () => {
  const folder = temporaryFolder('config')

  test('that is not there is CONFIG_MISSING', () => {
    const missing = join(folder, 'none.yaml')
    assert.throws(() => loadConfig(missing, {}), {
      code: 'CONFIG_MISSING',
      message: `there is no file ${missing}`,
    })
  })

  test('that is a folder is CONFIG_MISSING', () => {
    assert.throws(() => loadConfig(folder, {}), {
      code: 'CONFIG_MISSING',
      message: `${folder} cannot be read (EISDIR)`,
    })
  })

  test('is what relative paths start from', () => {
    const path = join(folder, 'millrace.yaml')
    writeFileSync(path, minimal.replace('env:SOURCE_URL', 'file:url.txt'))
    writeFileSync(join(folder, 'url.txt'), 'postgres://db/shop\n')
    const { config } = loadConfig(path, {})
    assert.equal(config.source.url, 'postgres://db/shop')
    assert.equal(config.source.urlFile, join(folder, 'url.txt'))
    assert.deepEqual(config.lake.place, { type: 'folder', folder: join(folder, 'lake') })
  })

  test('whose only fault is a missing secret is SECRET_MISSING', () => {
    const { code, message } = refusal(minimal.replace('SOURCE_URL', 'NOBODY'))
    assert.equal(code, 'SECRET_MISSING')
    assert.equal(message, `${file}:3:8 source.url: the environment variable NOBODY is not set`)
  })

  test('may lack the secrets of targets where that of the source is not needed', () => {
    const text = `${minimal}targets:\n  w: { type: postgres, url: env:NOBODY }\n`
    assert.equal(
      refusal(text).message,
      `${file}:7:29 targets.w.url: the environment variable NOBODY is not set`,
    )
    assert.doesNotThrow(() => parseConfig(text, { file, env, optional: ['source.url'] }))
  })
})

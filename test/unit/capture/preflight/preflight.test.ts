/** The rules, on facts as the queries find them; test/integration/doctor.test.ts asks real servers. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { refuse, refusedTables, type Finding } from '../../../../src/capture/preflight/finding.ts'
import type {
  ServerFacts,
  SourceFacts,
  TableFacts,
  Wanted,
} from '../../../../src/capture/preflight/preflight-facts.ts'
import { blocking, checksOf, findingsOf } from '../../../../src/capture/preflight/preflight.ts'
import type { PublicationFacts } from '../../../../src/capture/preflight/publication-facts.ts'
import type { SlotInfo } from '../../../../src/capture/slot/slot.ts'
import { Exclusions } from '../../../../src/capture/stream/exclusions.ts'
import { lsn } from '../../../../src/core/lsn.ts'

const GIB = 1024 ** 3

const SERVER: ServerFacts = {
  version: 180_004,
  versionText: '18.4',
  database: 'shop',
  user: 'mill',
  isRds: false,
  isStandby: false,
  walLevel: 'logical',
  mayReplicate: true,
  mayCreate: true,
  slots: { max: 10, used: 2 },
  senders: { max: 10, used: 2 },
  keepBytes: null,
  idleTimeoutMs: 0,
  senderTimeoutMs: 60_000,
  standbySlots: '',
  hasStandbyFeedback: false,
  hasDdlTrigger: false,
}

const ORDERS: TableFacts = {
  oid: 5001,
  name: { namespace: 'app', name: 'orders' },
  identity: 'default',
  isPartitioned: false,
  columns: [],
  key: ['id'],
  estimatedRows: 0,
  estimatedBytes: 0,
  owner: 'mill',
  isOwned: true,
  maySelect: true,
  mayEnter: true,
  isRowSecured: false,
  hasPrimaryKey: true,
  isKeyDeferrable: false,
  keylessPartitions: [],
  generated: [],
  hasFullIdentity: false,
  identityColumns: ['id'],
}

const SLOT: SlotInfo = {
  name: 'millrace_shop',
  plugin: 'pgoutput',
  database: 'shop',
  isOfThisDatabase: true,
  isTwoPhase: false,
  walStatus: 'reserved',
  confirmed: lsn(0x50n),
  restart: lsn(0x40n),
  safeBytes: null,
  activePid: null,
  isFailover: false,
  isSynced: false,
  invalidation: null,
  unusedMs: null,
}

const PUBLICATION: PublicationFacts = {
  isOwned: true,
  hasAllTables: false,
  hasAllKinds: true,
  isViaRoot: true,
  hasGenerated: false,
  tables: new Set(['"app"."orders"']),
  comment: null,
  narrowed: new Map(),
}

interface Given {
  readonly server?: Partial<ServerFacts>
  readonly slot?: Partial<SlotInfo>
  readonly publication?: Partial<PublicationFacts> | null
  readonly tables?: readonly Partial<TableFacts>[]
  readonly others?: SourceFacts['others']
  readonly wanted?: Partial<Wanted>
}

/** Everything is well but for what is given. The slot is not there unless it is given. */
function findings(given: Given): Finding[] {
  const { server, slot, publication = {}, tables = [{}], others = [], wanted } = given
  const facts: SourceFacts = {
    server: { ...SERVER, ...server },
    slot: slot === undefined ? null : { ...SLOT, ...slot },
    publication: publication === null ? null : { ...PUBLICATION, ...publication },
    tables: tables.map((table) => ({ ...ORDERS, ...table })),
    others,
  }
  const all: Wanted = {
    slot: 'millrace_shop',
    publication: { name: 'millrace_shop', isOurs: true },
    isSelected: () => true,
    patterns: ['app.*'],
    failover: false,
    ...wanted,
  }
  return findingsOf(checksOf(facts, all))
}

function texts(found: readonly Finding[]): string[] {
  return found.map((one) => {
    const name = one.severity === 'error' ? one.code : 'warning'
    return `${name}: ${one.message} | ${one.cure ?? ''}`
  })
}

const given = { name: 'p', isOurs: false }

describe('a source', () => {
  test('that is ready has nothing to find, with a slot and without', () => {
    assert.deepEqual(findings({}), [])
    assert.deepEqual(findings({ slot: {} }), [])
    assert.deepEqual(findings({ publication: null }), [])
  })

  const cases: [what: string, given: Given, texts: string[]][] = [
    [
      'is too old',
      { server: { version: 120_010, versionText: '12.10' } },
      [
        'SERVER_UNSUPPORTED: the server is PostgreSQL 12.10, and 13 is the oldest that can be read | upgrade the server: publications of partitioned tables need 13',
      ],
    ],
    [
      'writes too little WAL',
      { server: { walLevel: 'replica' } },
      [
        `WAL_LEVEL: wal_level of the source is "replica"; "logical" is needed | run: ALTER SYSTEM SET wal_level = 'logical'; then restart the server`,
      ],
    ],
    [
      'is an RDS instance without logical replication',
      { server: { walLevel: 'replica', isRds: true } },
      [
        'WAL_LEVEL: wal_level of the source is "replica"; "logical" is needed | set rds.logical_replication = 1 in the parameter group of the instance (Aurora: of the cluster), then reboot it',
      ],
    ],
    [
      'does not let us replicate',
      { server: { mayReplicate: false } },
      [
        'NO_REPLICATION_RIGHT: the user mill may not use replication slots | run: ALTER ROLE "mill" REPLICATION',
      ],
    ],
    [
      'is an RDS instance that does not let us replicate',
      { server: { mayReplicate: false, isRds: true } },
      [
        'NO_REPLICATION_RIGHT: the user mill may not use replication slots | run: GRANT rds_replication TO "mill"',
      ],
    ],
    [
      'has no slot left',
      { server: { slots: { max: 2, used: 2 } } },
      [
        `NO_FREE_SLOT: all replication slots are in use: max_replication_slots is 2 | run: ALTER SYSTEM SET max_replication_slots = '4'; then restart the server; or drop a slot that nobody uses: SELECT slot_name, active FROM pg_replication_slots`,
      ],
    ],
    [
      'has no slot left for later loads',
      { slot: {}, server: { isRds: true, slots: { max: 2, used: 2 } } },
      [
        'warning: no replication slot is left for the load of a table that is added later | set max_replication_slots = 3 in the parameter group of the instance (Aurora: of the cluster), then reboot it; or drop a slot that nobody uses: SELECT slot_name, active FROM pg_replication_slots',
      ],
    ],
    [
      'has no WAL sender left',
      { server: { senders: { max: 5, used: 5 } } },
      [
        `NO_FREE_SENDER: 5 of the 5 WAL senders of the server are busy, and we need up to 2 | run: ALTER SYSTEM SET max_wal_senders = '7'; then restart the server`,
      ],
    ],
    [
      'keeps little WAL',
      { server: { keepBytes: GIB } },
      [
        `warning: max_slot_wal_keep_size is 1 GiB: an interruption during which the server writes more WAL loses the slot, and all tables must be loaded again | run: ALTER SYSTEM SET max_slot_wal_keep_size = '50GB'; SELECT pg_reload_conf(); source.walBudget limits our own slot alone`,
      ],
    ],
    ['keeps much WAL', { server: { keepBytes: 100 * GIB } }, []],
    [
      'gives up slots soon',
      { server: { idleTimeoutMs: 5_400_000 } },
      [
        `warning: idle_replication_slot_timeout is 1.5 h: a stop of the task that lasts longer loses the slot | run: ALTER SYSTEM SET idle_replication_slot_timeout = '7d'; SELECT pg_reload_conf()`,
      ],
    ],
    [
      'never gives up a connection',
      { server: { senderTimeoutMs: 0 } },
      [
        `warning: wal_sender_timeout is 0: neither side notices that the other has gone without a word, and the slot stays in use | run: ALTER SYSTEM SET wal_sender_timeout = '60s'; SELECT pg_reload_conf()`,
      ],
    ],
    [
      'is a standby that is too old for that',
      { server: { isStandby: true, version: 150_004, versionText: '15.4' } },
      [
        'SOURCE_IS_STANDBY: the server is a standby, and PostgreSQL 15.4 has logical replication only on the primary | ',
      ],
    ],
    [
      'is a standby without our publication',
      { server: { isStandby: true, hasStandbyFeedback: true }, publication: null },
      [
        'warning: the server is a standby: a slot there is not copied anywhere, and making one waits for activity of the primary | to end such a wait, run on the primary: SELECT pg_log_standby_snapshot()',
        'PUBLICATION_UNFIT: a publication cannot be made on a standby | run on the primary: CREATE PUBLICATION "millrace_shop" FOR TABLE "app"."orders" WITH (publish_via_partition_root = true)',
      ],
    ],
    [
      'is a standby whose slot is a copy',
      { server: { isStandby: true, hasStandbyFeedback: true }, slot: { isSynced: true } },
      [
        'warning: the server is a standby: a slot there is not copied anywhere, and making one waits for activity of the primary | to end such a wait, run on the primary: SELECT pg_log_standby_snapshot()',
        'SOURCE_IS_STANDBY: the slot millrace_shop is a copy that this standby keeps of the slot of its primary | ',
      ],
    ],
    [
      'has no failover slots',
      {
        server: { version: 160_002, versionText: '16.2', standbySlots: null },
        wanted: { failover: true },
      },
      [
        'SERVER_UNSUPPORTED: source.failover is set, and PostgreSQL 16.2 has no failover slots: 17 has | upgrade the server, or remove source.failover',
      ],
    ],
    [
      'may send us more than its standbys have',
      { wanted: { failover: true } },
      [
        `warning: synchronized_standby_slots is empty: we may be sent changes that no standby has yet, and after a failover the lake would be ahead of the source | run: ALTER SYSTEM SET synchronized_standby_slots = '<physical slot of the standby>'; SELECT pg_reload_conf()`,
      ],
    ],
    [
      'sends us only what its standbys have',
      { server: { standbySlots: 'a' }, wanted: { failover: true } },
      [],
    ],
  ]
  for (const [what, facts, expected] of cases) {
    test(`that ${what} says so`, () => assert.deepEqual(texts(findings(facts)), expected))
  }
})

describe('a slot', () => {
  const unfit = 'set source.slot to another name: a slot that does not exist is made'
  const drop =
    'run: millrace resync --all; it drops this slot, makes a new one, and all tables are loaded again'
  const cases: [what: string, slot: Partial<SlotInfo>, text: string][] = [
    [
      'of another plugin',
      { plugin: 'wal2json' },
      `SLOT_UNFIT: the replication slot millrace_shop uses the plugin wal2json; pgoutput is needed | ${unfit}`,
    ],
    [
      'of another database',
      { isOfThisDatabase: false, database: 'other' },
      `SLOT_UNFIT: the replication slot millrace_shop belongs to the database other | ${unfit}`,
    ],
    [
      'with two_phase',
      { isTwoPhase: true },
      `SLOT_UNFIT: the replication slot millrace_shop was made with two_phase: rows of a prepared transaction would be lost | ${unfit}`,
    ],
    [
      'that lost its WAL',
      { walStatus: 'lost' },
      `SLOT_LOST: the server gave up the replication slot millrace_shop: it removed WAL that the slot needed (max_slot_wal_keep_size) | ${drop}`,
    ],
    [
      'that was invalidated for a reason of a later version',
      { invalidation: 'moonlight' },
      `SLOT_LOST: the server gave up the replication slot millrace_shop: moonlight | ${drop}`,
    ],
  ]
  for (const [what, slot, text] of cases) {
    test(`${what} is refused`, () => assert.deepEqual(texts(findings({ slot })), [text]))
  }
})

describe('a table', () => {
  const leaveOut = `or leave it out with '!app.orders' in source.tables`
  const cases: [what: string, given: Given, texts: string[]][] = [
    [
      'without a key',
      { tables: [{ key: [], hasPrimaryKey: false }] },
      [
        `TABLE_WITHOUT_KEY: no primary key or replica identity: app.orders | run: ALTER TABLE "app"."orders" ADD PRIMARY KEY (…); ${leaveOut}`,
      ],
    ],
    [
      'whose replica identity is nothing',
      { tables: [{ key: [], identity: 'nothing' }] },
      [
        `TABLE_WITHOUT_KEY: the replica identity is NOTHING: app.orders | run: ALTER TABLE "app"."orders" REPLICA IDENTITY DEFAULT; ${leaveOut}`,
      ],
    ],
    [
      // Published, every UPDATE and DELETE of its owner failed.
      'whose primary key is deferrable',
      { tables: [{ key: [], isKeyDeferrable: true }] },
      [
        `TABLE_WITHOUT_KEY: the primary key is deferrable, which is no replica identity: published, its updates would fail at the source: app.orders | run: CREATE UNIQUE INDEX CONCURRENTLY … ON "app"."orders" (…); ALTER TABLE "app"."orders" REPLICA IDENTITY USING INDEX …; ${leaveOut}`,
      ],
    ],
    [
      'with FULL and no key',
      { tables: [{ key: [], identity: 'full', hasPrimaryKey: false, hasFullIdentity: true }] },
      [
        'warning: REPLICA IDENTITY FULL and no primary key: app.orders. The lake gets every change, and targets only with mode: history | run: ALTER TABLE "app"."orders" ADD PRIMARY KEY (…)',
      ],
    ],
    [
      'with a partition that has no identity',
      { tables: [{ keylessPartitions: [{ namespace: 'app', name: 'orders_2026' }] }] },
      [
        'TABLE_WITHOUT_KEY: partitions without a replica identity, whose updates would fail at the source: app.orders_2026 | run: ALTER TABLE "app"."orders_2026" REPLICA IDENTITY DEFAULT, or give it the primary key of its root',
      ],
    ],
    [
      'that we may not read, in a schema that we may not enter',
      { tables: [{ mayEnter: false, maySelect: false }] },
      [
        'PERMISSION_DENIED: the user mill may not read app.orders | run: GRANT USAGE ON SCHEMA "app" TO "mill"; GRANT SELECT ON "app"."orders" TO "mill"',
      ],
    ],
    [
      'that hides rows from us',
      { tables: [{ isRowSecured: true }] },
      [
        'PERMISSION_DENIED: row security hides rows from the user mill: app.orders | run: ALTER ROLE "mill" BYPASSRLS',
      ],
    ],
    [
      'that is not there',
      { wanted: { patterns: ['app.*', 'app.odrers', '!app.gone'] } },
      ['warning: there is no table app.odrers | look at source.tables'],
    ],
    [
      'that is unlogged',
      { others: [{ name: { namespace: 'app', name: 'cache' }, kind: 'unlogged table' }] },
      [
        `warning: app.cache is an unlogged table: the server writes no WAL for it, so it is not replicated | run: ALTER TABLE "app"."cache" SET LOGGED; or leave it out with '!app.cache' in source.tables`,
      ],
    ],
    [
      'that is foreign',
      { others: [{ name: { namespace: 'app', name: 'far' }, kind: 'foreign table' }] },
      [
        `warning: app.far is a foreign table, and is not replicated | replicate it from its own server, and leave it out with '!app.far' in source.tables`,
      ],
    ],
    [
      'that is a view, and is meant by a wildcard',
      { others: [{ name: { namespace: 'app', name: 'v' }, kind: 'view' }] },
      [],
    ],
    [
      'that is a view, and is meant by its name',
      {
        others: [{ name: { namespace: 'app', name: 'v' }, kind: 'view' }],
        wanted: { patterns: ['app.v'] },
      },
      [
        'warning: app.v is a view, and is not replicated as such | name the tables that it reads in source.tables',
      ],
    ],
  ]
  for (const [what, facts, expected] of cases) {
    test(`${what} is told of`, () => assert.deepEqual(texts(findings(facts)), expected))
  }

  test('is one of many: the first twenty are named', () => {
    const tables = Array.from({ length: 23 }, (_, i) => ({
      name: { namespace: 'app', name: `t${i}` },
      key: [],
    }))
    const [found] = findings({ tables, publication: { hasAllTables: true } })
    assert.match(found!.message, /app\.t0, app\.t1, .*app\.t19 and 3 more$/)
  })

  test('is missed if none is selected, and then no publication is made', () => {
    assert.deepEqual(texts(findings({ tables: [], publication: null })), [
      'NO_TABLES: no table of the source matches source.tables | ',
    ])
  })
})

describe('a publication', () => {
  const create =
    'CREATE PUBLICATION "p" FOR TABLE "app"."orders" WITH (publish_via_partition_root = true)'
  const cases: [what: string, given: Given, texts: string[]][] = [
    [
      'that was given and is not there',
      { publication: null, wanted: { publication: given } },
      [`PUBLICATION_UNFIT: there is no publication p | run: ${create}`],
    ],
    [
      'that was given and lacks a table',
      { publication: { tables: new Set<string>() }, wanted: { publication: given } },
      [
        'PUBLICATION_UNFIT: the publication p lacks 1 of the selected tables | run: ALTER PUBLICATION "p" ADD TABLE "app"."orders"',
      ],
    ],
    [
      'of ours that lacks a table, which we may add',
      { publication: { tables: new Set<string>() } },
      [],
    ],
    [
      'of ours that we may not make',
      {
        publication: null,
        server: { mayCreate: false },
        tables: [{ isOwned: false }],
        wanted: { publication: { name: 'p', isOurs: true } },
      },
      [
        `PERMISSION_DENIED: the publication cannot be made: the user mill may not create or alter one in the database shop, and does not own 1 of the tables | run as the owner of the tables: ${create}`,
      ],
    ],
    ['for all tables', { publication: { hasAllTables: true, tables: new Set<string>() } }, []],
    [
      'with everything that it must not have',
      {
        publication: {
          hasAllKinds: false,
          isViaRoot: false,
          hasGenerated: true,
          narrowed: new Map([
            ['"app"."orders"', { columns: ['note'], rows: null }],
            ['"app"."other"', { columns: ['note'], rows: null }],
          ]),
        },
        wanted: { publication: given },
      },
      [
        `PUBLICATION_UNFIT: the publication p does not publish every kind of change | run: ALTER PUBLICATION "p" SET (publish = 'insert, update, delete, truncate')`,
        'PUBLICATION_UNFIT: the publication p publishes partitions one by one | run: ALTER PUBLICATION "p" SET (publish_via_partition_root = true)',
        'PUBLICATION_UNFIT: the publication p publishes generated columns, which no load copies | run: ALTER PUBLICATION "p" SET (publish_generated_columns = none)',
        'PUBLICATION_UNFIT: the publication p lists columns of app.orders that do not cover its replica identity, so its updates fail at the source | run: ALTER PUBLICATION "p" DROP TABLE "app"."orders"; ALTER PUBLICATION "p" ADD TABLE "app"."orders"',
      ],
    ],
  ]
  for (const [what, facts, expected] of cases) {
    test(`${what} is judged`, () => assert.deepEqual(texts(findings(facts)), expected))
  }
})

describe('columns that are excluded', () => {
  const columns = ['id', 'note', 'secret'].map((name, i) => {
    return { name, typeOid: 25, modifier: -1, attnum: i + 1 }
  })
  const wishes = (tables: string, ...exclude: string[]) => ({
    columns: new Exclusions([{ tables, exclude }]),
  })
  const cases: [what: string, given: Given, texts: string[]][] = [
    ['may be left out', { wanted: wishes('app.*', 'secret') }, []],
    [
      'may be generated',
      { tables: [{ columns, generated: ['sum'] }], wanted: wishes('app.*', 'sum') },
      [],
    ],
    [
      'must be there, for the name may be misspelled',
      { wanted: wishes('app.orders', 'secrte') },
      [
        'COLUMNS_UNFIT: source.columns: app.orders has no column secrte | write the name as it is in the database, or take it out of source.columns',
      ],
    ],
    [
      'must be of a table',
      { wanted: wishes('app.order', 'secret') },
      ['COLUMNS_UNFIT: source.columns: no selected table fits app.order | '],
    ],
    [
      'must not be the key',
      { wanted: wishes('app.orders', 'id', 'secret') },
      [
        'COLUMNS_UNFIT: source.columns excludes id of app.orders, by which its rows are found | take it out of source.columns, or leave the table out in source.tables',
      ],
    ],
    [
      'must not be all',
      {
        tables: [{ columns, key: [], identity: 'full', hasFullIdentity: true }],
        wanted: wishes('app.orders', 'id', 'note', 'secret'),
      },
      [
        'warning: REPLICA IDENTITY FULL and no primary key: app.orders. The lake gets every change, and targets only with mode: history | run: ALTER TABLE "app"."orders" ADD PRIMARY KEY (…)',
        'COLUMNS_UNFIT: source.columns excludes every column of app.orders | leave the table out in source.tables',
      ],
    ],
    [
      'are listed in the statement that the owner must run',
      {
        publication: null,
        server: { mayCreate: false },
        wanted: wishes('app.orders', 'secret'),
      },
      [
        'PERMISSION_DENIED: the publication cannot be made: the user mill may not create or alter one in the database shop | run as the owner of the tables: CREATE PUBLICATION "millrace_shop" FOR TABLE "app"."orders" ("id", "note") WITH (publish_via_partition_root = true)',
      ],
    ],
    [
      'are not listed before 15',
      {
        publication: null,
        server: { mayCreate: false, version: 140_000 },
        wanted: wishes('app.orders', 'secret'),
      },
      [
        'PERMISSION_DENIED: the publication cannot be made: the user mill may not create or alter one in the database shop | run as the owner of the tables: CREATE PUBLICATION "millrace_shop" FOR TABLE "app"."orders" WITH (publish_via_partition_root = true)',
      ],
    ],
    [
      'are not listed where a list would make updates fail',
      {
        publication: null,
        server: { mayCreate: false },
        tables: [{ columns, identity: 'full', hasFullIdentity: true }],
        wanted: wishes('app.orders', 'secret'),
      },
      [
        'PERMISSION_DENIED: the publication cannot be made: the user mill may not create or alter one in the database shop | run as the owner of the tables: CREATE PUBLICATION "millrace_shop" FOR TABLE "app"."orders" WITH (publish_via_partition_root = true)',
      ],
    ],
  ]
  for (const [what, facts, expected] of cases) {
    test(what, () => {
      assert.deepEqual(texts(findings({ tables: [{ columns }], ...facts })), expected)
    })
  }
})

describe('what blocks', () => {
  const found = findings({
    server: { walLevel: 'minimal' },
    tables: [{ key: [], hasPrimaryKey: false }],
  })
  const codes = (isMade: boolean) =>
    blocking(found, { isMade, hasBegun: true }).map((one) => 'code' in one && one.code)

  test('is everything before anything was made', () => {
    assert.deepEqual(codes(false), ['WAL_LEVEL', 'TABLE_WITHOUT_KEY'])
  })

  test('is later what concerns all tables: one that cannot be replicated is refused alone', () => {
    assert.deepEqual(codes(true), ['WAL_LEVEL'])
    const refused = refusedTables(found)
    assert.deepEqual(
      refused.map(({ name, error }) => [name.name, error.code]),
      [['orders', 'TABLE_WITHOUT_KEY']],
    )
    assert.match(refused[0]!.error.hint!, /ALTER TABLE "app"\."orders" ADD PRIMARY KEY/)
  })

  test('a table without a key is in no statement that publishes', () => {
    const [, lacking] = findings({
      tables: [{ key: [], hasPrimaryKey: false }, { name: { namespace: 'app', name: 'b' } }],
      publication: { tables: new Set<string>() },
      wanted: { publication: given },
    })
    assert.equal(lacking!.cure, 'run: ALTER PUBLICATION "p" ADD TABLE "app"."b"')
  })
})

describe('errors', () => {
  test('that are one keep their own code, message and cure', () => {
    assert.throws(() => refuse(findings({ server: { walLevel: 'minimal' } })), {
      code: 'WAL_LEVEL',
      message: 'wal_level of the source is "minimal"; "logical" is needed',
      hint: `run: ALTER SYSTEM SET wal_level = 'logical'; then restart the server`,
    })
  })

  test('that are many come in one message, under the first code that waiting does not cure', () => {
    const server = { walLevel: 'replica', mayReplicate: false, senders: { max: 1, used: 1 } }
    assert.throws(() => refuse(findings({ server: { ...server, keepBytes: GIB } })), {
      code: 'WAL_LEVEL',
      message: [
        '3 things keep the source from being replicated:',
        '1. wal_level of the source is "replica"; "logical" is needed',
        `   run: ALTER SYSTEM SET wal_level = 'logical'; then restart the server`,
        '2. the user mill may not use replication slots',
        '   run: ALTER ROLE "mill" REPLICATION',
        '3. 1 of the 1 WAL senders of the server are busy, and we need up to 2',
        `   run: ALTER SYSTEM SET max_wal_senders = '3'; then restart the server`,
      ].join('\n'),
      hint: 'change them all, then look again with: millrace doctor',
    })
  })

  test('are not what warnings are', () => refuse(findings({ server: { keepBytes: GIB } })))
})

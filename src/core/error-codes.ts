/**
 * The table of error codes: what happens next, what the operator is told, what docs/errors.md says.
 *
 * `about` is the first paragraph under the code's heading in docs/errors.md, which is generated from
 * this table. `hint` is printed behind the message wherever the error is shown.
 */

import { LAKE_CODES } from './lake-error-codes.ts'

export type Recovery =
  | 'retry' // the network or a server was away; try again with backoff
  | 'stop' // an operator must change something first
  | 'resync' // our place in the log is gone; only a new load helps

export interface CodeEntry {
  readonly recovery: Recovery
  readonly about: string
  readonly hint?: string
}

export const CODES = {
  // The source
  CONNECTION_LOST: {
    recovery: 'retry',
    about: 'A connection to a database broke, or could not be made in time.',
    hint: 'check that the host and port are right and that a firewall lets us through',
  },
  LOGIN_FAILED: {
    recovery: 'stop',
    about: 'The database refused the user, the password or the database name.',
    hint: 'check user, password and database in the url',
  },
  TLS_FAILED: {
    recovery: 'stop',
    about: 'The server does not speak TLS, or its certificate could not be verified.',
    hint: 'add sslrootcert=<file> to the url, or sslmode=no-verify on a network you trust',
  },
  PERMISSION_DENIED: {
    recovery: 'stop',
    about: 'The database user lacks a right that is needed.',
  },
  WAL_LEVEL: {
    recovery: 'stop',
    about: 'The source does not write the information that logical replication needs.',
    hint: "run: ALTER SYSTEM SET wal_level = 'logical'; then restart the server (RDS: set rds.logical_replication = 1)",
  },
  NO_REPLICATION_RIGHT: {
    recovery: 'stop',
    about: 'The user of the source may not use replication slots.',
  },
  NO_FREE_SLOT: {
    recovery: 'stop',
    about: 'All replication slots of the server are taken.',
    hint: 'raise max_replication_slots, or drop a slot that nobody uses: SELECT slot_name, active FROM pg_replication_slots',
  },
  NO_FREE_SENDER: {
    recovery: 'retry',
    about: 'All WAL senders of the server are busy.',
    hint: 'raise max_wal_senders',
  },
  SLOT_IN_USE: {
    recovery: 'retry',
    about: 'Another process reads our replication slot.',
    hint: 'if none should, see pg_stat_replication',
  },
  SLOT_LOST: {
    recovery: 'resync',
    about: 'The server dropped WAL that the slot still needed, or the slot itself is gone.',
    hint: 'run `millrace resync --all`: it makes a new slot, and all tables are loaded again; raise max_slot_wal_keep_size if it was too small',
  },
  SLOT_MOVED: {
    recovery: 'resync',
    about:
      'The slot was confirmed beyond what the lake holds: somebody else read it, so changes are missing.',
    hint: 'make sure that nothing else uses the slot, then run `millrace resync --all`, after which all tables are loaded again',
  },
  SLOT_UNFIT: {
    recovery: 'stop',
    about: 'The slot exists but cannot be used: another plugin, another database, or two_phase.',
  },
  SOURCE_CHANGED: {
    recovery: 'stop',
    about:
      'The server or the database behind the url is not the one that this lake was filled from.',
    hint: 'point source.url at the old server, give this one a lake of its own (lake.url), or go on with it in this lake: `millrace move` says what that means',
  },
  SERVER_UNSUPPORTED: {
    recovery: 'stop',
    about: 'The server is too old for what is asked of it.',
    hint: 'upgrade the server, or leave out the setting that needs a newer one',
  },
  SERVER_REFUSED: {
    recovery: 'stop',
    about:
      'The server cannot do what it was asked for in the state that it, or an object of it, is in at present. The message is its own.',
    hint: 'look again with: millrace doctor',
  },
  SOURCE_IS_STANDBY: {
    recovery: 'retry',
    about:
      'The server behind the url is a standby that cannot be read from. After a failover this lasts until the standby is promoted, so a task that runs waits for it.',
    hint: 'point the url at the primary, or promote this server',
  },
  TIMELINE_DIVERGED: {
    recovery: 'stop',
    about:
      'The server went on from a point before what the lake holds: a standby was promoted that had not received everything, or an old state was restored. What the lake has more than the source cannot be taken back.',
    hint: 'go on with this server: `millrace move` says what that means; all tables are loaded again',
  },
  WAL_BUDGET_SPENT: {
    recovery: 'stop',
    about:
      'The slot held back more WAL than source.walBudget allows, and was dropped to protect the source.',
    hint: 'find out why the lake could not keep up, then run `millrace resync --all`, after which all tables are loaded again',
  },
  PUBLICATION_UNFIT: {
    recovery: 'stop',
    about: 'The publication is missing, or does not publish what the task needs.',
  },
  NO_TABLES: {
    recovery: 'stop',
    about: 'No table of the source matches source.tables.',
    hint: 'compare source.tables with: SELECT schemaname, tablename FROM pg_tables',
  },
  TABLE_WITHOUT_KEY: {
    recovery: 'stop',
    about:
      'Rows of the table cannot be found again by updates and deletes: it has no primary key and no other replica identity, or, for a target, none but the whole row.',
    hint: 'give it a key at the source: ALTER TABLE … ADD PRIMARY KEY (…); or leave it out in source.tables',
  },
  COLUMNS_UNFIT: {
    recovery: 'stop',
    about:
      'source.columns excludes a column that is not there, that belongs to the key of its table, or every column of a table.',
  },
  TABLE_CHANGED: {
    recovery: 'retry',
    about: 'A table was altered or rewritten while it was loaded; its load begins again.',
  },
  DDL_AMBIGUOUS: {
    recovery: 'stop',
    about: 'A table changed in a way whose effect on existing rows the log cannot tell.',
    hint: 'load the table again',
  },
  SPOOL_FULL: {
    recovery: 'retry',
    about:
      'The disk is full on which transactions wait that have not ended. We go on without streaming: the server keeps them until they are committed.',
    hint: 'give source.spool more room if large transactions are common',
  },
  MESSAGE_TOO_LARGE: {
    recovery: 'stop',
    about:
      'A single row is larger than 64 MiB in the text form of PostgreSQL, which for bytea is twice the size of the value. The message names the table, and the key if the key stands before the large value.',
    hint: 'keep such values out of the database, or leave the table out of source.tables and start with a new lake: what is in the WAL already comes again and again',
  },
  PROTOCOL_VIOLATION: {
    recovery: 'stop',
    about: 'The server sent bytes that are not what its manual describes.',
  },
  LSN_MALFORMED: { recovery: 'stop', about: 'A text that should be an LSN is not one.' },

  ...LAKE_CODES,

  // Targets and consumers
  CLAIM_LOST: {
    recovery: 'retry',
    about: 'Another worker of the same consumer was faster.',
  },
  LEDGER_FOREIGN: {
    recovery: 'stop',
    about: 'The ledger of the target belongs to another lake.',
    hint: 'give each task a target of its own, or drop the ledger to load everything again',
  },
  FILL_MISSING: {
    recovery: 'resync',
    about: 'A value that did not change was to be kept, but the target does not have its row.',
    hint: 'load the table again',
  },
  VALUE_UNFIT: {
    recovery: 'stop',
    about: 'A value of the source cannot be held by the target, or by Parquet files of the lake.',
  },
  TARGET_LOCKED: {
    recovery: 'stop',
    about: 'Another process holds the database file of the target open.',
    hint: 'close the other program; DuckDB lets one process write at a time',
  },
  NAME_TAKEN: {
    recovery: 'stop',
    about:
      'Two tables or two columns would have one name in the target: by `rename`, or since `mode` adds a column of a name that the table has itself.',
    hint: 'choose another name in targets.*.rename, or another mode for the table',
  },
  TARGET_FAILED: {
    recovery: 'stop',
    about: 'The target refused a statement.',
  },
  TARGET_BUSY: {
    recovery: 'retry',
    about:
      'The target broke our transaction off: others held what it needed, or there were too many connections. It is run again.',
    hint: 'if it lasts, look for long transactions on our tables: SELECT * FROM pg_stat_activity',
  },
  TARGET_FILE_TAKEN: {
    recovery: 'stop',
    about: 'A file that the target is to write is there already, with another content.',
    hint: 'give the target a folder of its own: another task, or an earlier lake, has written to this one',
  },

  // The command line and the server
  CONFIG_INVALID: { recovery: 'stop', about: 'The configuration has mistakes.' },
  CONFIG_MISSING: {
    recovery: 'stop',
    about: 'There is no configuration file.',
    hint: 'run `millrace init`, or name the file with --config',
  },
  SECRET_MISSING: {
    recovery: 'stop',
    about: 'A secret that the configuration refers to is not there.',
  },
  FILE_EXISTS: { recovery: 'stop', about: 'A file would be overwritten.' },
  FILE_UNWRITABLE: {
    recovery: 'stop',
    about: 'A file cannot be written.',
    hint: 'check that its folder is there, and owner and mode of it',
  },
  PORT_IN_USE: {
    recovery: 'stop',
    about: 'Another process listens on the port of the server.',
    hint: 'set server.listen to a free port, or to null to have no server',
  },
  NOT_RUNNING: {
    recovery: 'stop',
    about: 'The command needs a running task, and none answers.',
    hint: 'start it with `millrace run`',
  },
  TOKEN_REFUSED: {
    recovery: 'stop',
    about: 'The running task does not accept the token of server.token.',
    hint: 'use the token with which the task was started',
  },
  PACKAGE_MISSING: {
    recovery: 'stop',
    about: 'An optional package is needed for this configuration and is not installed.',
  },
  USAGE: { recovery: 'stop', about: 'The command was called in a way that it does not know.' },
} as const satisfies Record<string, CodeEntry>

export type ErrorCode = keyof typeof CODES

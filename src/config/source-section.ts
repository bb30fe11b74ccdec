/** The section `source`: the database we read, and which of its tables. */

import { z } from 'zod'

import { databaseAuth, databaseUrl } from './database-url.ts'
import { tablePattern, tablePatterns } from './table-patterns.ts'
import { bytes, duration } from './units.ts'

const IDENTIFIER = /^[^\0]{1,63}$/

export const sourceSection = z
  .strictObject({
    url: databaseUrl(
      'Where the database is: `postgres://user:password@host:5432/database`, best as a reference ' +
        '(`env:NAME` or `file:PATH`). A Unix socket: `postgres:///database?host=/run/postgresql`. ' +
        'What is left out comes from `PGHOST`, `PGPORT`, `PGUSER`, `PGPASSWORD` and `PGDATABASE`. ' +
        'TLS is verified unless the host is local; parameters of the url change that: `sslmode` ' +
        '(`disable`, `no-verify`, `require`, `verify-ca`, `verify-full`), `sslrootcert`, ' +
        '`sslcert` and `sslkey`. A file is read again for every connection, so a password may ' +
        'be changed while the task runs.',
    ),
    auth: databaseAuth(),
    tables: tablePatterns(
      'Which tables are replicated, as `schema.table`. `*` stands for any text, `!` excludes, ' +
        'and of several patterns that match a table the last one counts. The schemas of the ' +
        'system are never replicated.',
    ),
    slot: z
      .string()
      .regex(/^[a-z0-9_]{1,63}$/, 'a slot name has only a-z, 0-9 and _, and at most 63 of them')
      .optional()
      .describe(
        'The replication slot. It is created at the first start. Default: `millrace_` and the task.',
      ),
    publication: z
      .string()
      .regex(IDENTIFIER, 'a publication name has 1 to 63 characters')
      .optional()
      .describe(
        'A publication of yours that is used as it is. Without it we create and keep one named ' +
          '`millrace_` and the task.',
      ),
    heartbeat: duration(100)
      .prefault('60s')
      .describe(
        'How often the slot of an idle task is moved on, so that other databases of the server do ' +
          'not pile up WAL for it.',
      ),
    lookEvery: duration(100)
      .prefault('10s')
      .describe(
        'How often the running task looks for tables that have begun to match, and for loads that ' +
          'a target or `millrace resync` has asked for.',
      ),
    spool: z
      .string()
      .min(1)
      .optional()
      .describe(
        'A folder for transactions that are too large for the memory of the server and have not ' +
          'ended. It is emptied at every start. Without it: `.millrace/<task>/spool`.',
      ),
    ddl: z
      .enum(['resync', 'stop', 'ignore'])
      .default('resync')
      .describe(
        'What is done when a table is changed in a way whose effect on its rows is not in the stream, ' +
          'such as a type that is rewritten, another key, a new column with a computed default, or a ' +
          'partition that is attached with rows, detached or truncated. ' +
          '`resync` loads the table again, `stop` stops the task (`DDL_AMBIGUOUS`), `ignore` only ' +
          'warns, and rows may differ from then on.',
      ),
    columns: z
      .record(
        tablePattern.refine((pattern) => !pattern.startsWith('!'), {
          error: 'columns cannot be excluded from tables that are excluded; leave out the !',
        }),
        z.strictObject({
          exclude: z
            .array(z.string().min(1, 'expected the name of a column'))
            .min(1, 'expected at least one column')
            .describe('Names of the columns, as they are in the database.'),
        }),
      )
      .prefault({})
      .describe(
        'Columns that are not replicated, by table or pattern: `{ app.users: { exclude: ' +
          '[password_hash] } }`. Of several patterns that match a table all count. From PostgreSQL ' +
          '15 on the values do not leave the source, except of tables with `REPLICA IDENTITY FULL`; ' +
          'before, they are dropped as they come. They are never written anywhere. Columns of the ' +
          'key cannot be excluded.',
      ),
    walBudget: z
      .strictObject({
        bytes: bytes().describe('How much WAL the slot may hold back: `50GiB`.'),
        action: z
          .enum(['warn', 'drop-slot'])
          .default('warn')
          .describe(
            'What happens then. `drop-slot` stops the task and drops the slot, so that the disk of ' +
              'the source does not fill up; all tables must be loaded again.',
          ),
      })
      .optional()
      .describe('A limit of our own for the WAL that the server keeps for the slot.'),
    failover: z
      .boolean()
      .default(false)
      .describe(
        'Standbys keep a copy of the slot, so that the task goes on after a failover. PostgreSQL 17 ' +
          'and later.',
      ),
  })
  .describe('The PostgreSQL database we read from.')

/** The section `source`: the database we read, and which of its tables. */

import { z } from 'zod'

import { notYet } from './not-yet.ts'
import { bytes, duration } from './units.ts'

const TABLE = /^!?[^.!\s][^.]*\.[^.]+$/
const IDENTIFIER = /^[^\0]{1,63}$/

const tablePattern = z
  .string()
  .regex(TABLE, 'expected schema.table, where * stands for any text, such as app.* or !app.audit_*')

export const sourceSection = z
  .strictObject({
    url: z
      .string()
      .refine((url) => /^postgres(ql)?:\/\//.test(url), {
        error: 'expected postgres://user@host:5432/database, or a reference to it such as env:NAME',
        abort: true,
      })
      // A url may have a user and no host, but not by the standard.
      .refine((url) => URL.canParse(url.replace(/@(?=$|[:/?])/, '@localhost')), {
        error:
          'is not a valid url; in passwords, characters such as # / ? @ must be percent-encoded',
      })
      .meta({ secret: true })
      .describe(
        'Where the database is: `postgres://user:password@host:5432/database`, best as a reference ' +
          '(`env:NAME` or `file:PATH`). A Unix socket: `postgres:///database?host=/run/postgresql`. ' +
          'What is left out comes from `PGHOST`, `PGPORT`, `PGUSER`, `PGPASSWORD` and `PGDATABASE`. ' +
          'TLS is verified unless the host is local; parameters of the url change that: `sslmode` ' +
          '(`disable`, `no-verify`, `require`, `verify-ca`, `verify-full`), `sslrootcert`, ' +
          '`sslcert` and `sslkey`. A file is read again for every connection, so a password may ' +
          'be changed while the task runs.',
      ),
    auth: z
      .enum(['password', 'rds-iam'])
      .default('password')
      .describe(
        'How to log in. `rds-iam` makes a token for every connection, in place of the password: ' +
          'for RDS and Aurora, with the package `@aws-sdk/rds-signer` installed. The host has to be ' +
          'the name that AWS gave it.',
      ),
    tables: z
      .array(tablePattern)
      .min(1, 'expected at least one pattern')
      .refine((patterns) => patterns.some((pattern) => !pattern.startsWith('!')), {
        error: 'only excludes tables; begin with a pattern that includes some, such as *.*',
      })
      .prefault(['*.*'])
      .describe(
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
          'such as a type that is rewritten, another key, or a new column with a computed default. ' +
          '`resync` loads the table again, `stop` stops the task (`DDL_AMBIGUOUS`), `ignore` only ' +
          'warns, and rows may differ from then on.',
      ),
    columns: notYet('Leaves out columns of tables.'),
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

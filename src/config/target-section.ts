/** The entries of `targets`: one strict object per type of target, told apart by `type`. */

import { z } from 'zod'

import { databaseAuth, databaseUrl } from './database-url.ts'
import { dmsFiles } from './dms-files-target.ts'
import { NOT_YET } from './not-yet.ts'
import { REDSHIFT } from './redshift-target.ts'
import { tablePatterns } from './table-patterns.ts'
import { TABLE_SETTINGS } from './target-tables.ts'
import { duration } from './units.ts'

/** What every type of target has. */
const EVERY = {
  interval: duration(0)
    .prefault('1s')
    .describe('How long changes are gathered before they are applied together.'),
  tables: tablePatterns(
    'Which of the replicated tables the target gets, with patterns as in `source.tables`. A table ' +
      'that is taken out stays in the target as it is; one that is taken in again is loaded.',
  ),
  ...TABLE_SETTINGS,
}

const duckdb = z
  .strictObject({
    type: z.literal('duckdb').describe('A DuckDB database in a file.'),
    path: z
      .string()
      .min(1, 'expected a file such as ./warehouse.duckdb')
      .describe('The database file. It is made if it is not there.'),
    ...EVERY,
  })
  .describe('A target of type `duckdb`.')

const postgres = z
  .strictObject({
    type: z.literal('postgres').describe('A PostgreSQL database, version 13 to 18.'),
    url: databaseUrl(
      'Where the database is, in the form that `source.url` has; never the source itself.',
    ),
    auth: databaseAuth(),
    schema: z
      .string()
      .regex(/^[^\0]{1,63}$/, 'a schema name has 1 to 63 characters')
      .refine((name) => !name.startsWith('pg_'), 'names that begin with pg_ belong to the system')
      .default('millrace')
      .describe('The schema of the ledger. It is made if it is not there.'),
    ...EVERY,
  })
  .describe('A target of type `postgres`.')

const redshift = z
  .strictObject({
    ...REDSHIFT,
    ...EVERY,
    interval: duration(0)
      .prefault('60s')
      .describe(
        'How long changes are gathered before they are applied together. On Serverless every batch ' +
          'wakes the workgroup, so this is a matter of cost.',
      ),
  })
  .describe('A target of type `redshift`.')

const TYPES = [duckdb, postgres, redshift, dmsFiles] as const
const NAMES = TYPES.map(({ shape }) => shape.type.value).join(', ')

const LATER = ['cassandra']

const target = z.discriminatedUnion('type', TYPES, {
  error: (issue) => (issue.code === 'invalid_union' ? typeComplaint(issue.input) : undefined),
})

function typeComplaint(input: unknown): string {
  const type = typeof input === 'object' && input !== null && 'type' in input ? input.type : null
  if (typeof type !== 'string') return `expected a type: ${NAMES}`
  return LATER.includes(type)
    ? `a target of type ${type} ${NOT_YET}; this version has: ${NAMES}`
    : `no such type of target; this version has: ${NAMES}`
}

const targetName = z
  .string()
  .regex(
    /^[a-z][a-z0-9_-]{0,39}$/,
    'a target name begins with a-z and has only a-z, 0-9, _ and -, at most 40 of them',
  )

export const targetsSection = z
  .record(targetName, target)
  .prefault({})
  .describe(
    'The databases that are kept equal to the source, each under a name of your choice. The name ' +
      'is part of the ledger in the target: changing it loads everything again.',
  )

/** The entries of `targets`: one strict object per type of target, told apart by `type`. */

import { z } from 'zod'

import { NOT_YET, notYet } from './not-yet.ts'
import { duration } from './units.ts'

const duckdb = z
  .strictObject({
    type: z.literal('duckdb').describe('A DuckDB database in a file.'),
    path: z
      .string()
      .min(1, 'expected a file such as ./warehouse.duckdb')
      .describe('The database file. It is made if it is not there.'),
    interval: duration(0)
      .prefault('1s')
      .describe('How long changes are gathered before they are applied together.'),
    tables: notYet('Which tables the target gets; now it gets all.'),
    rename: notYet('Gives schemas and tables other names.'),
    mode: notYet('Keeps deleted rows, or all versions of a row.'),
  })
  .describe('A target of type `duckdb`.')

const LATER = ['redshift', 'postgres', 'cassandra', 'dms-files']

const target = z.discriminatedUnion('type', [duckdb], {
  error: (issue) => (issue.code === 'invalid_union' ? typeComplaint(issue.input) : undefined),
})

function typeComplaint(input: unknown): string {
  const type = typeof input === 'object' && input !== null && 'type' in input ? input.type : null
  if (typeof type !== 'string') return 'expected a type: duckdb'
  return LATER.includes(type)
    ? `a target of type ${type} ${NOT_YET}; this version has: duckdb`
    : 'no such type of target; this version has: duckdb'
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

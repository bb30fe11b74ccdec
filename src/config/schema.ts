/**
 * Everything that can be configured, with its default and its meaning.
 *
 * This is the reference: `docs/configuration.md` and `docs/config.schema.json` are generated from
 * it. Unknown keys are errors, because a misspelled key would silently be a default. References to
 * secrets are resolved before this schema sees a configuration, relative paths after it.
 */

import { z } from 'zod'

import { lakeSection } from './lake-section.ts'
import { notYet } from './not-yet.ts'
import { NOT_YET } from './not-yet.ts'
import { serverSection } from './server-section.ts'
import { sourceSection } from './source-section.ts'
import { targetsSection } from './target-section.ts'
import { bytes, count } from './units.ts'

export const configSchema = z.strictObject({
  task: z
    .string()
    // The name becomes the name of a replication slot, and PostgreSQL allows nothing else there.
    .regex(
      /^[a-z][a-z0-9_]{0,39}$/,
      'a task name begins with a-z and has only a-z, 0-9 and _, at most 40 of them',
    )
    .describe('Names the task, its slot, its publication and its ledgers: `millrace_shop`.'),
  load: z
    .enum(['full-load-and-cdc', 'cdc'], {
      error: ({ input }) => (input === 'full-load' ? `full-load alone ${NOT_YET}` : undefined),
    })
    .default('full-load-and-cdc')
    .describe(
      'Whether existing rows are copied before changes are followed. The words are those of AWS ' +
        'DMS (migration type).',
    ),
  source: sourceSection,
  lake: lakeSection,
  targets: targetsSection,
  fullLoad: z
    .strictObject({
      parallel: count({ min: 1, max: 64 })
        .prefault(4)
        .describe(
          'How many connections copy at the same time: a table each, or ranges of a large one.',
        ),
      rangeBytes: bytes()
        .prefault('256MiB')
        .describe(
          'A table that is larger is copied in ranges of this size, by several connections. ' +
            'PostgreSQL 14 and later; partitioned tables are copied whole.',
        ),
      maxRowsPerSecond: count({ min: 1 })
        .optional()
        .describe(
          'Spares the source: no more rows than this are copied in a second, all tables together.',
        ),
    })
    .prefault({})
    .describe('How existing rows are copied.'),
  server: serverSection,
  mappings: notYet('A file of DMS table mappings, instead of `source.tables`.'),
})

export type ConfigDocument = z.output<typeof configSchema>

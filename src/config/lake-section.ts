/** The section `lake`: where the changes are kept as files, and when files are written. */

import { fileURLToPath } from 'node:url'

import { z } from 'zod'

import { NOT_YET, notYet } from './not-yet.ts'
import { bytes, count, duration } from './units.ts'

const flush = z
  .strictObject({
    every: duration()
      .prefault('5s')
      .describe('A change is in the lake at the latest after this time.'),
    rows: count({ min: 1 }).prefault(100_000).describe('Write when this many rows have gathered.'),
    bytes: bytes().prefault('64MiB').describe('Write when this much has gathered.'),
    putsPerSecond: notYet('Limits how many files are written per second.'),
  })
  .prefault({})
  .describe('When gathered changes are written to the lake: at whichever limit comes first.')

export const lakeSection = z
  .strictObject({
    url: z
      .string()
      .min(1, 'expected a folder such as ./lake')
      .transform(folderOf)
      .describe(
        'The folder of the lake, such as `./lake`. A task needs one of its own. It is made if it ' +
          'is not there.',
      ),
    format: z
      .enum(['csv', 'csv.gz'], {
        error: ({ input }) => (input === 'parquet' ? `parquet ${NOT_YET}` : undefined),
      })
      .default('csv.gz')
      .describe('The format of data files. `csv` is faster, `csv.gz` several times smaller.'),
    flush,
    keep: notYet('How long data files are kept.'),
    keepLoads: notYet('How long the files of loads are kept.'),
    s3: notYet('Region, endpoint and encryption of a bucket.'),
  })
  .describe('Where every change is kept, in order, as files.')

function folderOf(url: string, context: z.RefinementCtx<string>): string {
  const [, scheme] = /^([a-z][a-z0-9+.-]+):\/\//i.exec(url) ?? []
  if (scheme === undefined) return url
  if (scheme === 'file' && URL.canParse(url)) {
    const { host } = new URL(url)
    if (host === '' || host === 'localhost') return fileURLToPath(url)
  }
  const message =
    scheme === 's3'
      ? `a lake in a bucket ${NOT_YET}; give a folder such as ./lake`
      : 'expected a folder such as ./lake'
  context.addIssue({ code: 'custom', message })
  return z.NEVER
}

/** The section `lake`: where the changes are kept as files, and when files are written. */

import { z } from 'zod'

import { isBucketUrl, parseLakeUrl } from './lake-place.ts'
import { bytes, count, duration, parseDuration } from './units.ts'

const flush = z
  .strictObject({
    every: duration()
      .prefault('5s')
      .describe('A change is in the lake at the latest after this time.'),
    rows: count({ min: 1 }).prefault(100_000).describe('Write when this many rows have gathered.'),
    bytes: bytes().prefault('64MiB').describe('Write when this much has gathered.'),
    putsPerSecond: z
      .number('expected a number, such as 10')
      .positive('expected a number above 0')
      .optional()
      .describe(
        'At most about so many files are written per second: `every` stretches itself when many ' +
          'tables are busy. If left out, 10 for a bucket, where each costs money, and no limit for a ' +
          'folder. A batch that is full is written all the same.',
      ),
  })
  .prefault({})
  .describe('When gathered changes are written to the lake: at whichever limit comes first.')

const parquet = z
  .strictObject({
    arrays: z
      .enum(['json', 'lists'])
      .default('json')
      .describe(
        'Arrays as texts of JSON, or as lists of values, which have one dimension and count from 1.',
      ),
    types: z
      .enum(['plain', 'full'])
      .default('plain')
      .describe(
        '`plain` keeps `time` and `uuid` as text, since Athena, Spark and Redshift cannot read such ' +
          'columns; `full` gives them their types.',
      ),
    unfit: z
      .enum(['error', 'null', 'clamp', 'text'])
      .default('error')
      .describe(
        'What becomes of a value that Parquet has no place for, such as `infinity` as a date: stop with ' +
          'an error; NULL; the nearest value that fits, or NULL if there is none; or NULL with the ' +
          'text beside it, so that targets are exact and only who queries the files sees NULL.',
      ),
  })
  .prefault({})
  .describe('How Parquet files are written.')

export const s3Section = z
  .strictObject({
    region: text().describe(
      'The region of the bucket; without it, what AWS_REGION or the profile says.',
    ),
    endpoint: z
      .url({ protocol: /^https?$/, error: 'expected a URL such as https://s3.example.com' })
      .optional()
      .describe('The URL of a server that is not AWS. It must know conditional writes.'),
    pathStyle: z
      .boolean()
      .optional()
      .describe(
        'The bucket stands in the path of URLs. So it is with `endpoint`, if not said otherwise.',
      ),
    kmsKey: text().describe('The KMS key, by id or ARN, that objects are encrypted with.'),
    storageClass: z
      .enum(['STANDARD', 'STANDARD_IA', 'ONEZONE_IA', 'INTELLIGENT_TIERING', 'GLACIER_IR'])
      .optional()
      .describe(
        'The storage class of data files. What stands under `_millrace/` is always STANDARD.',
      ),
    tags: z
      .record(z.string().min(1).max(128), z.string().max(256))
      .default({})
      .describe('Tags that every object gets, at most 10. It needs s3:PutObjectTagging.')
      .refine((tags) => Object.keys(tags).length <= 10, 'S3 allows 10 tags at most'),
    requesterPays: z
      .boolean()
      .default(false)
      .describe('We pay for requests to a bucket of somebody else.'),
    ownerAccount: z
      .string()
      .regex(/^\d{12}$/, 'expected the 12 digits of an AWS account, in quotes')
      .optional()
      .describe('The AWS account that must own the bucket; every request says so.'),
  })
  .prefault({})
  .describe(
    'How the bucket is spoken to; all of it is optional. Credentials are found as by every AWS program.',
  )

const HOUR_MS = 3_600_000

const LOADS = 'expected a duration such as 7d, or until-taken'

const keepLoads = z.string({ error: LOADS }).transform((given, context) => {
  if (given === 'until-taken') return given
  const ms = parseDuration(given)
  if (ms !== null) return ms
  context.addIssue({ code: 'custom', message: `${LOADS}, found "${given}"` })
  return z.NEVER
})

export const lakeSection = z
  .strictObject({
    url: z
      .string()
      .min(1, 'expected a folder such as ./lake')
      .superRefine((url, context) => {
        const parsed = parseLakeUrl(url)
        if ('problem' in parsed) context.addIssue({ code: 'custom', message: parsed.problem })
      })
      .describe(
        'The folder of the lake, such as `./lake`, which is made if it is not there; or a bucket ' +
          'and a prefix, such as `s3://bucket/shop`. A task needs one of its own.',
      ),
    format: z
      .enum(['csv', 'csv.gz', 'parquet'])
      .default('csv.gz')
      .describe(
        'The format of data files. `csv` is the fastest, `csv.gz` several times smaller, and `parquet` ' +
          'as small, with typed columns that query engines read a few of at a time.',
      ),
    parquet,
    flush,
    keep: duration(HOUR_MS)
      .optional()
      .describe(
        'How long changes are kept, at least an hour; for ever if left out. What a consumer or a ' +
          'rebuild needs stays longer: the newest load of each table, and the changes since it.',
      ),
    keepLoads: keepLoads
      .optional()
      .describe(
        'How long the files of a load are kept once a newer one has followed it, or `until-taken`: until ' +
          'every consumer has the newer one. As long as the changes beside it if left out.',
      ),
    s3: s3Section,
    unfenced: z
      .boolean()
      .default(false)
      .describe(
        'Accept a server without conditional writes. Nothing keeps two writers apart then: you do.',
      ),
  })
  .superRefine(({ format, parquet: { arrays, types, unfit } }, context) => {
    const isGiven = arrays !== 'json' || types !== 'plain' || unfit !== 'error'
    if (format === 'parquet' || !isGiven) return
    const message = 'is only for format: parquet'
    context.addIssue({ code: 'custom', path: ['parquet'], message })
  })
  .superRefine(({ url, s3: options, unfenced }, context) => {
    if (isBucketUrl(url) || 'problem' in parseLakeUrl(url)) return
    const isGiven = Object.values(options).some((value) => value !== undefined && !isDefault(value))
    const message = 'is only for a lake in a bucket'
    if (isGiven) context.addIssue({ code: 'custom', path: ['s3'], message })
    if (unfenced) context.addIssue({ code: 'custom', path: ['unfenced'], message })
  })
  .describe('Where every change is kept, in order, as files.')

function text() {
  return z.string().min(1, 'expected a text').optional()
}

function isDefault(value: unknown): boolean {
  return value === false || (typeof value === 'object' && Object.keys(value ?? {}).length === 0)
}

/** The section `lake`: where the changes are kept as files, and when files are written. */

import { z } from 'zod'

import { isBucketUrl, parseLakeUrl } from './lake-place.ts'
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

const s3 = z
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
      .enum(['csv', 'csv.gz'], {
        error: ({ input }) => (input === 'parquet' ? `parquet ${NOT_YET}` : undefined),
      })
      .default('csv.gz')
      .describe('The format of data files. `csv` is faster, `csv.gz` several times smaller.'),
    flush,
    keep: notYet('How long data files are kept.'),
    keepLoads: notYet('How long the files of loads are kept.'),
    s3,
    unfenced: z
      .boolean()
      .default(false)
      .describe(
        'Accept a server without conditional writes. Nothing keeps two writers apart then: you do.',
      ),
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

/** What the entry of a target of type `redshift` has beside what every target has. */

import { z } from 'zod'

import { databaseUrl } from './database-url.ts'
import { isBucketUrl } from './lake-place.ts'
import { s3Section } from './lake-section.ts'

const ROLE = /^(default|arn:aws[a-z-]*:iam::\d{12}:role\/\S+)$/

const layout = z
  .strictObject({
    distStyle: z
      .enum(['auto', 'even', 'all', 'key'])
      .optional()
      .describe('How rows are spread over the cluster; `key` by the column `distKey`.'),
    distKey: z.string().min(1).optional().describe('The column that rows are spread by.'),
    sortKey: z
      .array(z.string().min(1))
      .default([])
      .describe('The columns that rows are sorted by.'),
  })
  .superRefine(({ distStyle, distKey }, context) => {
    const isKey = distStyle === 'key' || distStyle === undefined
    const isWrong = distKey === undefined ? distStyle === 'key' : !isKey
    if (!isWrong) return
    const message = 'distStyle: key and distKey go together'
    context.addIssue({ code: 'custom', path: ['distKey'], message })
  })

export const REDSHIFT = {
  type: z.literal('redshift').describe('Amazon Redshift, a cluster or a workgroup of Serverless.'),
  url: databaseUrl(
    'Where the cluster is: `postgres://user@endpoint:5439/database`, in the form that `source.url` has.',
  ),
  auth: z
    .enum(['password', 'iam'])
    .default('password')
    .describe(
      'How to log in. `iam` asks AWS for a user and a password for every connection, with the ' +
        'package `@aws-sdk/client-redshift` or `@aws-sdk/client-redshift-serverless` installed. The ' +
        'host has to be the endpoint that AWS gave it.',
    ),
  iamRole: z
    .string()
    .refine(
      (role) => role.split(',').every((one) => ROLE.test(one)),
      'expected default, or the ARN of a role such as arn:aws:iam::123456789012:role/redshift-copy',
    )
    .default('default')
    .describe(
      'The role by which the cluster reads the staged files: `default`, an ARN, or several with ' +
        'commas between, each of which takes on the next.',
    ),
  stage: z
    .string()
    .refine((url) => isBucketUrl(url), 'expected a bucket and a prefix, such as s3://bucket/stage')
    .optional()
    .describe(
      'The bucket through which rows go, under `_millrace/stage/`. That of the lake if left out; a ' +
        'lake in a folder needs one.',
    ),
  s3: s3Section,
  schema: z
    .string()
    .regex(/^[a-z_][a-z0-9_]{0,126}$/, 'a schema name has only a-z, 0-9 and _, at most 127 of them')
    .refine((name) => !name.startsWith('pg_'), 'names that begin with pg_ belong to the system')
    .default('millrace')
    .describe('The schema of the ledger. It is made if it is not there.'),
  unfit: z
    .enum(['error', 'null', 'clamp'])
    .default('error')
    .describe(
      'What becomes of a value that Redshift has no place for, such as `infinity` as a date or a text ' +
        'of more than 65,535 bytes: its table is suspended; NULL; or the nearest value that fits, ' +
        'which of a text is its beginning, and NULL where there is none.',
    ),
  layout: z
    .record(z.string().regex(/^[^.]+\..+$/, 'expected schema.table'), layout)
    .default({})
    .describe(
      'How tables are laid out when they are made, by their names in the target: `app.orders`. What is ' +
        'not named is left to Redshift.',
    ),
}

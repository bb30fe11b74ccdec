/** The entry of a target of type `dms-files`. */

import { z } from 'zod'

import { readDmsSettings, type SettingRemark } from './dms-settings.ts'
import { isBucketUrl, parseLakeUrl } from './lake-place.ts'
import { s3Section } from './lake-section.ts'
import { notYet } from './not-yet.ts'
import { tablePatterns } from './table-patterns.ts'

const settings = z
  .union([z.string(), z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]))], {
    error: 'expected settings of DMS by their names, or a text such as addColumnName=true;',
  })
  .transform((given, context) => {
    const { mistakes, ...read } = readDmsSettings(given)
    for (const { message, name } of mistakes) {
      const isPlaced = name !== null && typeof given !== 'string'
      const path = isPlaced ? [name] : []
      const about = name === null || isPlaced || message.includes(name) ? '' : `${name} `
      context.addIssue({ code: 'custom', path, message: about + message })
    }
    return read
  })
  .prefault('')
  .describe(
    'The settings of the S3 target endpoint, as DMS has them: by their names, or as extra connection ' +
      'attributes such as `addColumnName=true;`. See [dms-files](targets/dms-files.md).',
  )

export const dmsFiles = z
  .strictObject({
    type: z.literal('dms-files').describe('Files as AWS DMS writes them to S3.'),
    url: z
      .string()
      .min(1, 'expected a folder such as ./files')
      .superRefine((url, context) => {
        const parsed = parseLakeUrl(url)
        if ('problem' in parsed) context.addIssue({ code: 'custom', message: parsed.problem })
      })
      .describe(
        'The folder, such as `./files`, or a bucket and a prefix, such as `s3://bucket/shop`; not ' +
          'that of the lake.',
      ),
    settings,
    s3: s3Section,
    tables: tablePatterns(
      'Which of the replicated tables the target gets, with patterns as in `source.tables`.',
    ),
    rename: notYet('Gives schemas and tables other names.'),
  })
  .superRefine(({ url, s3 }, context) => {
    if (isBucketUrl(url)) return
    const isGiven = Object.values(s3).some((value) => {
      return value !== undefined && value !== false && Object.keys(value).length > 0
    })
    if (isGiven) context.addIssue({ code: 'custom', path: ['s3'], message: 'is only for a bucket' })
  })
  .describe('A target of type `dms-files`.')

/** What is to be said of a setting that was accepted. */
export function noteText({ name, message }: SettingRemark): string {
  return name === null ? message : `${name} ${message}`
}

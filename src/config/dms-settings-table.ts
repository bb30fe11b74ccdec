/** What each setting of an S3 target of DMS is here: reference of the names, and how values are read. */

import type { DatePartition, DmsFilesSettings } from '../core/dms-files-settings.ts'
import { NOT_YET } from './not-yet.ts'

/** Values come as texts, whichever way they were given. */
export type Given = string

type Same = Omit<
  DmsFilesSettings,
  'cdcMaxBatchIntervalMs' | 'parquet' | 'cdcMinFileBytes' | 'maxFileBytes' | 'datePartition'
>

/** Settings while they are read, in the units of DMS. */
export type Drafted = { -readonly [K in keyof Same]: Same[K] } & {
  useCsvNoSupValue: boolean
  cdcMaxBatchIntervalSeconds: number
  cdcMinFileKilobytes: number
  maxFileKilobytes: number
  datePartitionEnabled: boolean
  sequence: DatePartition['sequence']
  delimiter: DatePartition['delimiter']
  preserveTransactions: boolean
  isParquet: boolean
  isPlain: boolean
  isMillis: boolean
  hasStatistics: boolean
  rowGroupLength: number
  dataPageBytes: number
  dictPageBytes: number
}

interface Remark {
  readonly message: string
  /** It may stay so. */
  readonly isNote: boolean
}

/** Puts the value into the draft; resolves to what is to be said about it. */
type ReadSetting = (value: Given, draft: Drafted) => Remark | undefined

type KeysOf<T> = { [K in keyof Drafted]: Drafted[K] extends T ? K : never }[keyof Drafted]

const SEQUENCES = ['YYYYMMDD', 'YYYYMMDDHH', 'YYYYMM', 'MMYYYYDD', 'DDMMYYYY'] as const
const DELIMITERS: Readonly<Record<string, DatePartition['delimiter']>> = {
  SLASH: '/',
  UNDERSCORE: '_',
  DASH: '-',
  NONE: '',
}
const LARGEST_FILE_KILOBYTES = 1_048_576
const MOST = 64 * 1024 * 1024

/** By their names in small letters without underscores. */
export const DMS_SETTINGS: ReadonlyMap<string, ReadSetting> = new Map<string, ReadSetting>([
  ['bucketfolder', path('bucketFolder')],
  ['cdcpath', path('cdcPath')],
  ['preservetransactions', flag('preserveTransactions')],
  ['addcolumnname', flag('addColumnName')],
  ['rfc4180', flag('rfc4180')],
  ['includeopforfullload', flag('includeOpForFullLoad')],
  ['cdcinsertsonly', flag('cdcInsertsOnly')],
  ['cdcinsertsandupdates', flag('cdcInsertsAndUpdates')],
  ['usetaskstarttimeforfullloadtimestamp', flag('useTaskStartTimeForFullLoadTimestamp')],
  ['usecsvnosupvalue', flag('useCsvNoSupValue')],
  ['datepartitionenabled', flag('datePartitionEnabled')],
  ['csvnullvalue', text('csvNullValue')],
  ['csvnosupvalue', text('csvNoSupValue')],
  ['csvdelimiter', separator('csvDelimiter')],
  ['csvrowdelimiter', separator('csvRowDelimiter')],
  ['timestampcolumnname', timestampColumn],
  ['cdcmaxbatchinterval', count('cdcMaxBatchIntervalSeconds', { min: 1, max: 86_400 })],
  ['cdcminfilesize', count('cdcMinFileKilobytes', { min: 1, max: LARGEST_FILE_KILOBYTES })],
  ['maxfilesize', count('maxFileKilobytes', { min: 1, max: LARGEST_FILE_KILOBYTES })],
  ['datepartitionsequence', sequence],
  ['datepartitiondelimiter', delimiter],
  ['datepartitiontimezone', timezone],
  ['compressiontype', compression],

  ['dataformat', dataFormat],
  ['parquettimestampinmillisecond', flag('isMillis')],
  ['enablestatistics', flag('hasStatistics')],
  ['rowgrouplength', count('rowGroupLength', { min: 1, max: MOST })],
  ['datapagesize', count('dataPageBytes', { min: 1, max: MOST })],
  ['dictpagesizelimit', count('dictPageBytes', { min: 1, max: MOST })],
  ['encodingtype', encoding],
  ['gluecataloggeneration', only(['false', 'n'], `${NOT_YET}; for the lake: millrace lake glue`)],
  [
    'addtrailingpaddingcharacter',
    only(['false', 'n'], 'is not there: AWS does not say what it pads'),
  ],
  ['serversideencryptionkmskeyid', refused('name the key in s3.kmsKey instead')],
  ['expectedbucketowner', refused('name the account in s3.ownerAccount instead')],
  ['encryptionmode', only(['sses3'], 'is not set here: name a key in s3.kmsKey instead')],
  [
    'cannedaclforobjects',
    only(['none'], "is not there: no ACL is set, objects are the bucket owner's"),
  ],

  ['serviceaccessrolearn', noted('has no effect: credentials are found as by every AWS program')],
  ['bucketname', noted('has no effect: url says where the files go')],
  ['parquetversion', noted('has no effect: pages are of version 1, which everybody can read')],
  ['detachtargetonloblookupfailureparquet', noted('has no effect: nothing is looked up')],
  ['externaltabledefinition', noted('has no effect: it is only for sources')],
  ['ignoreheaderrows', noted('has no effect: it is only for sources')],
])

function mistake(message: string): Remark {
  return { message, isNote: false }
}

function flag(key: KeysOf<boolean>): ReadSetting {
  return (value, draft) => {
    const isTrue = /^\s*(true|t|y)\s*$/i.test(value)
    if (!isTrue && !/^\s*(false|f|n)\s*$/i.test(value))
      return mistake('expected true, false, y or n')
    draft[key] = isTrue
    return undefined
  }
}

function count(
  key: KeysOf<number>,
  { min, max }: { readonly min: number; readonly max: number },
): ReadSetting {
  return (value, draft) => {
    const number = /^\s*\d{1,12}\s*$/.test(value) ? Number(value) : -1
    if (number < min || number > max) return mistake(`expected a number from ${min} to ${max}`)
    draft[key] = number
    return undefined
  }
}

function text(key: 'csvNullValue' | 'csvNoSupValue'): ReadSetting {
  return (value, draft) => {
    draft[key] = value
    return undefined
  }
}

/** `\n` and the like stand for what they do elsewhere, and `0x01` for a byte. */
function separator(key: 'csvDelimiter' | 'csvRowDelimiter'): ReadSetting {
  return (value, draft) => {
    const code = /^0x([0-9a-f]{2})$/i.exec(value)?.[1]
    const found = code ? String.fromCharCode(Number.parseInt(code, 16)) : unescaped(value)
    if (found === '' || found.includes('"')) return mistake('expected a character, and no quote')
    draft[key] = found
    return undefined
  }
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '\\': '\\' }

function unescaped(value: string): string {
  return value.replaceAll(/\\([nrt\\])/g, (_, letter: string) => ESCAPES[letter]!)
}

function path(key: 'bucketFolder' | 'cdcPath'): ReadSetting {
  return (value, draft) => {
    const parts = value.split('/').filter((part) => part !== '')
    if (parts.some((part) => part.startsWith('.') || part === '_millrace')) {
      return mistake('expected a folder, none of whose names begins with a dot')
    }
    draft[key] = parts.join('/')
    return undefined
  }
}

function timestampColumn(value: Given, draft: Drafted): Remark | undefined {
  if (value === '') return mistake('cannot be an empty text; leave it out')
  draft.timestampColumnName = value
  return undefined
}

function sequence(value: Given, draft: Drafted): Remark | undefined {
  const found = SEQUENCES.find((name) => name === value.trim().toUpperCase())
  if (found === undefined) return mistake(`expected ${SEQUENCES.join(', ')}`)
  draft.sequence = found
  return undefined
}

function delimiter(value: Given, draft: Drafted): Remark | undefined {
  const found = DELIMITERS[value.trim().toUpperCase()]
  if (found === undefined) return mistake(`expected ${Object.keys(DELIMITERS).join(', ')}`)
  draft.delimiter = found
  return undefined
}

function timezone(value: Given, draft: Drafted): Remark | undefined {
  try {
    draft.timezone = Intl.DateTimeFormat('en-US', { timeZone: value }).resolvedOptions().timeZone
  } catch {
    return mistake('expected a time zone such as Asia/Seoul')
  }
  return undefined
}

function compression(value: Given, draft: Drafted): Remark | undefined {
  const found = value.trim().toLowerCase()
  if (found !== 'none' && found !== 'gzip') return mistake('expected NONE or GZIP')
  draft.compressionType = found
  return undefined
}

function dataFormat(value: Given, draft: Drafted): Remark | undefined {
  const found = value.trim().toLowerCase()
  if (found !== 'csv' && found !== 'parquet') return mistake('expected csv or parquet')
  draft.isParquet = found === 'parquet'
  return undefined
}

function encoding(value: Given, draft: Drafted): Remark | undefined {
  const found = value.replaceAll(/[-_\s]/g, '').toLowerCase()
  if (!['plain', 'plaindictionary', 'rledictionary'].includes(found)) {
    return mistake('expected plain, plain-dictionary or rle-dictionary')
  }
  draft.isPlain = found === 'plain'
  return undefined
}

function only(values: readonly string[], message: string): ReadSetting {
  return (value) =>
    values.includes(value.replaceAll(/[-_\s]/g, '').toLowerCase()) ? undefined : mistake(message)
}

function refused(message: string): ReadSetting {
  return () => mistake(message)
}

function noted(message: string): ReadSetting {
  return () => ({ message, isNote: true })
}

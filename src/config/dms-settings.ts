/**
 * Reads the settings of an S3 target of DMS, as its users have them.
 *
 *   addColumnName=true;cdcMaxBatchInterval=300;          extra connection attributes
 *   { AddColumnName: true, CdcMaxBatchInterval: 300 }    the settings of its API, in any of its spellings
 *
 * A setting that DMS does not have is a mistake, and so is one whose effect we do not have. What says
 * nothing about the files themselves is accepted, with a note.
 */

import type { DmsFilesSettings } from '../core/dms-files-settings.ts'
import { conflictsOf } from './dms-settings-conflicts.ts'
import { DMS_SETTINGS, type Drafted, type Given } from './dms-settings-table.ts'

export interface ReadSettings {
  readonly settings: DmsFilesSettings
  readonly mistakes: readonly SettingRemark[]
  readonly notes: readonly SettingRemark[]
}

export interface SettingRemark {
  /** The setting as it was written; `null` for all of them. */
  readonly name: string | null
  readonly message: string
}

type GivenObject = Readonly<Record<string, string | number | boolean>>

export function readDmsSettings(given: string | GivenObject): ReadSettings {
  const mistakes: SettingRemark[] = []
  const notes: SettingRemark[] = []
  const draft: Drafted = defaults()
  const seen = new Set<string>()
  for (const [name, value] of typeof given === 'string' ? attributes(given) : entries(given)) {
    const key = plainName(name)
    const read = DMS_SETTINGS.get(key)
    if (read === undefined) {
      mistakes.push({ name, message: unknownSetting(name) })
      continue
    }
    if (seen.has(key)) mistakes.push({ name, message: 'is given twice' })
    seen.add(key)
    const found = read(value, draft)
    if (found === undefined) continue
    const remark = { name, message: found.message }
    if (found.isNote) notes.push(remark)
    else mistakes.push(remark)
  }
  for (const message of conflictsOf(draft)) mistakes.push({ name: null, message })
  return { settings: settingsOf(draft), mistakes, notes }
}

function defaults(): Drafted {
  return {
    bucketFolder: '',
    compressionType: 'none',
    csvDelimiter: ',',
    csvRowDelimiter: '\n',
    // The API says NULL and the guide of 2025 says nothing; the guide is the newer.
    csvNullValue: '',
    csvNoSupValue: null,
    useCsvNoSupValue: false,
    rfc4180: true,
    addColumnName: false,
    includeOpForFullLoad: false,
    cdcInsertsOnly: false,
    cdcInsertsAndUpdates: false,
    timestampColumnName: null,
    useTaskStartTimeForFullLoadTimestamp: false,
    cdcMaxBatchIntervalSeconds: 60,
    cdcMinFileKilobytes: 32_000,
    maxFileKilobytes: 1_048_576,
    datePartitionEnabled: false,
    sequence: 'YYYYMMDD',
    delimiter: '/',
    timezone: 'UTC',
    preserveTransactions: false,
    isParquet: false,
    isPlain: false,
    isMillis: false,
    hasStatistics: true,
    rowGroupLength: 10_000,
    dataPageBytes: 1024 * 1024,
    dictPageBytes: 1024 * 1024,
    cdcPath: null,
  }
}

function settingsOf(draft: Drafted): DmsFilesSettings {
  const { datePartitionEnabled, sequence, delimiter, useCsvNoSupValue, ...rest } = draft
  const { cdcMaxBatchIntervalSeconds, cdcMinFileKilobytes, maxFileKilobytes, ...same } = rest
  const { preserveTransactions, isParquet, ...others } = same
  const { isPlain, isMillis, hasStatistics, ...sizes } = others
  const { rowGroupLength, dataPageBytes, dictPageBytes, ...settings } = sizes
  const pages = { rowGroupLength, dataPageBytes, dictPageBytes }
  return {
    ...settings,
    parquet: isParquet ? { ...pages, isPlain, isMillis, hasStatistics } : null,
    csvNoSupValue: useCsvNoSupValue ? settings.csvNoSupValue : null,
    cdcMaxBatchIntervalMs: cdcMaxBatchIntervalSeconds * 1000,
    cdcMinFileBytes: cdcMinFileKilobytes * 1024,
    maxFileBytes: maxFileKilobytes * 1024,
    datePartition: datePartitionEnabled ? { sequence, delimiter } : null,
    cdcPath: preserveTransactions ? settings.cdcPath : null,
  }
}

/** `name=value;name=value;`. AWS writes a blank behind the semicolon, and `''` for an empty text. */
function* attributes(text: string): Generator<[string, Given]> {
  for (const pair of text.split(';')) {
    if (pair.trim() === '') continue
    const [name, ...values] = pair.split('=')
    const value = values.join('=')
    yield [name!.trim(), value.trim() === "''" ? '' : value]
  }
}

function* entries(given: GivenObject): Generator<[string, Given]> {
  for (const [name, value] of Object.entries(given)) {
    yield [name, String(value)]
  }
}

/** `AddColumnName`, `addColumnName` and `add_column_name` are one. */
function plainName(name: string): string {
  return name.replaceAll('_', '').toLowerCase()
}

function unknownSetting(name: string): string {
  return `DMS has no setting "${name}" for S3 targets`
}

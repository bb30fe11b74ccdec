/**
 * How files are written as AWS DMS writes them: the settings of its S3 target that mean something here.
 *
 * Complete and checked; what a person may write is read in `config/dms-settings.ts`. Names are those of
 * DMS where there is one.
 */

export interface DmsFilesSettings {
  /** Empty, or a path without a `/` at its begin and end. */
  readonly bucketFolder: string
  /** `null`: files are CSV. */
  readonly parquet: ParquetSettings | null
  readonly compressionType: 'none' | 'gzip'
  readonly csvDelimiter: string
  readonly csvRowDelimiter: string
  readonly csvNullValue: string
  /** For columns that the log does not have; `null`: they are written as NULL. */
  readonly csvNoSupValue: string | null
  readonly rfc4180: boolean
  readonly addColumnName: boolean
  readonly includeOpForFullLoad: boolean
  readonly cdcInsertsOnly: boolean
  readonly cdcInsertsAndUpdates: boolean
  readonly timestampColumnName: string | null
  readonly useTaskStartTimeForFullLoadTimestamp: boolean
  readonly cdcMaxBatchIntervalMs: number
  readonly cdcMinFileBytes: number
  readonly maxFileBytes: number
  readonly datePartition: DatePartition | null
  /** Of the date folders and of the names of files of changes. */
  readonly timezone: string
  /** One ordered stream for all tables goes here; `null`: each table has files of its own. */
  readonly cdcPath: string | null
}

export interface ParquetSettings {
  readonly rowGroupLength: number
  readonly dataPageBytes: number
  /** A column whose dictionary would be larger has none. */
  readonly dictPageBytes: number
  /** No dictionaries. */
  readonly isPlain: boolean
  readonly hasStatistics: boolean
  /** Timestamps in milliseconds. */
  readonly isMillis: boolean
}

export interface DatePartition {
  readonly sequence: 'YYYYMMDD' | 'YYYYMMDDHH' | 'YYYYMM' | 'MMYYYYDD' | 'DDMMYYYY'
  /** Between the parts of a date; `/` makes a folder of each. */
  readonly delimiter: '/' | '_' | '-' | ''
}

/** How a lake's Parquet files are written, as `lake.parquet` says. */

/**
 * What becomes of a value that its column cannot hold, such as `infinity` in a timestamp:
 *
 *   error  nothing is written, and capture stops with VALUE_UNFIT
 *   null   the column is NULL
 *   clamp  the nearest value that fits; NULL where there is none
 *   text   the column is NULL for those who query the file, and PostgreSQL's text stands in its footer,
 *          so that consumers of the log, and so targets, get what the source has
 */
export type UnfitPolicy = 'error' | 'null' | 'clamp' | 'text'

export interface ParquetOptions {
  /**
   * Arrays as texts of JSON, or as lists of values. A list has one dimension, and PostgreSQL's arrays
   * may have more whatever their column says.
   */
  readonly arrays: 'json' | 'lists'
  /** `plain`: time and uuid are texts, for Hive's types, and so Athena's and Spark's, have neither. */
  readonly types: 'plain' | 'full'
  readonly unfit: UnfitPolicy
}

export const PARQUET_DEFAULTS: ParquetOptions = { arrays: 'json', types: 'plain', unfit: 'error' }

/** Values that did not fit into one column of one file. */
export interface UnfitValues {
  readonly column: string
  readonly policy: Exclude<UnfitPolicy, 'error'>
  readonly values: number
}

/**
 * A configuration that is ready for use: complete, its secrets resolved, its paths absolute.
 *
 * `load.ts` makes it from `millrace.yaml`; everything else takes only this.
 */

import type { DmsFilesSettings } from '../core/dms-files-settings.ts'
import type { LoadMode } from '../core/manifest.ts'
import type { ColumnRule } from '../core/table-selection.ts'
import type { LakePlace } from './lake-place.ts'
import type { TableSettings } from './target-tables.ts'

export interface Config {
  /** The file it was read from, as it was named. */
  readonly file: string
  readonly task: string
  readonly load: LoadMode
  readonly source: SourceConfig
  readonly lake: LakeConfig
  readonly targets: readonly TargetConfig[]
  readonly fullLoad: FullLoadConfig
  readonly server: ServerConfig | null
}

interface SourceConfig {
  /** Holds a password: never log it, see `redact`. */
  readonly url: string
  /** Absolute. The file that the url was read from, if it was: it may be replaced while we run. */
  readonly urlFile: string | null
  readonly auth: 'password' | 'rds-iam'
  /** Patterns such as `app.*` and `!app.audit_*`; of those that match a table, the last counts. */
  readonly tables: readonly string[]
  /** Columns that are left out. */
  readonly columns: readonly ColumnRule[]
  readonly slot: string
  readonly publication: Publication
  readonly heartbeatMs: number
  /** What is done about changes of tables that the log cannot tell. */
  readonly ddl: 'resync' | 'stop' | 'ignore'
  /** How often new tables and requests for loads are looked for. */
  readonly lookEveryMs: number
  /** `null`: none but the server's own. */
  readonly walBudget: WalBudget | null
  /** Standbys keep a copy of the slot. */
  readonly failover: boolean
  /** Absolute. Where transactions wait that are streamed before they end. */
  readonly spoolFolder: string
}

interface WalBudget {
  readonly bytes: number
  readonly action: 'warn' | 'drop-slot'
}

interface Publication {
  readonly name: string
  /** Ours: we create it and keep its list of tables. Otherwise it is used as it is. */
  readonly isOurs: boolean
}

interface LakeConfig {
  readonly place: LakePlace
  readonly format: 'csv' | 'csv.gz' | 'parquet'
  /** What is said of Parquet files; as it is by default for other formats. */
  readonly parquet: {
    readonly arrays: 'json' | 'lists'
    readonly types: 'plain' | 'full'
    readonly unfit: 'error' | 'null' | 'clamp' | 'text'
  }
  /** Milliseconds; `null`: for ever. */
  readonly keep: {
    readonly keepMs: number | null
    readonly keepLoads: 'until-taken' | number | null
  }
  readonly flush: {
    readonly everyMs: number
    readonly rows: number
    readonly bytes: number
    /** `null`: no limit. */
    readonly putsPerSecond: number | null
  }
}

interface FullLoadConfig {
  readonly parallel: number
  readonly rangeBytes: number
  /** `null`: as fast as it goes. */
  readonly maxRowsPerSecond: number | null
}

export type TargetConfig =
  | DuckdbTargetConfig
  | PostgresTargetConfig
  | RedshiftTargetConfig
  | DmsFilesTargetConfig

interface EveryTarget {
  readonly name: string
  readonly intervalMs: number
  /** Patterns as those of the source, of which it gets a part. */
  readonly tables: readonly string[]
}

interface DatabaseTarget extends EveryTarget {
  readonly treatment: TableSettings
}

export interface DuckdbTargetConfig extends DatabaseTarget {
  readonly type: 'duckdb'
  /** Absolute. */
  readonly path: string
}

export interface PostgresTargetConfig extends DatabaseTarget {
  readonly type: 'postgres'
  /** Holds a password, as that of the source does. */
  readonly url: string
  readonly urlFile: string | null
  readonly auth: 'password' | 'rds-iam'
  /** Of the ledger. */
  readonly schema: string
}

export interface RedshiftTargetConfig extends DatabaseTarget {
  readonly type: 'redshift'
  /** May hold a password, as that of the source does. */
  readonly url: string
  readonly urlFile: string | null
  readonly auth: 'password' | 'iam'
  /** Of the ledger. */
  readonly schema: string
  /** `default`, or ARNs with commas between. */
  readonly iamRole: string
  /** The bucket through which rows go. */
  readonly stage: LakePlace
  readonly unfit: 'error' | 'null' | 'clamp'
  /** By `schema.table`, as the target calls them. */
  readonly layout: Readonly<
    Record<
      string,
      {
        readonly distStyle?: 'auto' | 'even' | 'all' | 'key' | undefined
        readonly distKey?: string | undefined
        readonly sortKey: readonly string[]
      }
    >
  >
}

export interface DmsFilesTargetConfig extends EveryTarget {
  readonly type: 'dms-files'
  readonly place: LakePlace
  readonly settings: DmsFilesSettings
}

export interface ServerConfig {
  readonly host: string
  readonly port: number
  readonly token: string | null
}

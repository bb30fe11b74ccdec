/**
 * Manifests: the numbered records that make data files part of the log.
 *
 * What no manifest names does not exist. Manifest n+1 is written only after n is durable, and each
 * with create-if-absent, so the log is dense from 1 and has one history. Everything a reader needs
 * to know about order, completeness and loads stands here; docs/lake-format.md is the reference.
 */

import type { LogPosition } from './batch.ts'
import type { Lsn } from './lsn.ts'
import type { Position } from './position.ts'
import type { TableId } from './table.ts'

export type Manifest = OpenManifest | ChangesManifest | HeartbeatManifest | EpochManifest

interface ManifestFields {
  readonly n: number
  /** Random id of the process that wrote it. */
  readonly writer: string
  /** Number of the `open` manifest with which this run of capture began. */
  readonly generation: number
  readonly epoch: number
  readonly timeline: number
  readonly to: LogPosition
  /** What the source may forget once this manifest is durable. */
  readonly confirm: Lsn
  /** The next free tick of the `order` clock; the tick before it is used by no row. Microseconds since 1970. */
  readonly clock: number
  /** Our UTC time at writing, ISO 8601. */
  readonly closedAt: string
  readonly entries: readonly Entry[]
}

export interface OpenManifest extends ManifestFields {
  readonly kind: 'open'
  readonly run: RunInfo
}
export interface ChangesManifest extends ManifestFields {
  readonly kind: 'changes'
}
export interface HeartbeatManifest extends ManifestFields {
  readonly kind: 'heartbeat'
}
export interface EpochManifest extends ManifestFields {
  readonly kind: 'epoch'
  /** False if something was lost: every table must then be loaded again. */
  readonly continues: boolean
  readonly run: RunInfo
}

/** What a run of capture reads and how; a change of it within a transaction is refused. */
export interface RunInfo {
  /** system_identifier of the server, in decimal. */
  readonly systemId: string
  readonly database: string
  readonly slot: string
  readonly publication: string
  readonly load: LoadMode
  /** Settings on which the content of the stream depends, by name. */
  readonly options: Readonly<Record<string, string>>
}

export type LoadMode = 'full-load-and-cdc' | 'full-load' | 'cdc'

export type Entry = ChangesEntry | BarrierEntry | LoadEntry

export interface ChangesEntry {
  readonly type: 'changes'
  readonly table: TableId
  /** Key of the shape's file in the lake. */
  readonly shape: string
  readonly path: string
  readonly first: Position
  readonly last: Position
  readonly rows: { readonly i: number; readonly u: number; readonly d: number }
  /** Rows with at least one unchanged value. */
  readonly unchanged: number
  readonly bytes: number
  readonly sha256: string
  /** Row i of the file has `order + i`. */
  readonly order: number
}

export type BarrierEntry = TruncateEntry | ShapeEntry | RenameEntry | DropEntry

interface BarrierFields {
  readonly table: TableId
  readonly position: Position
  readonly order: number
}
export interface TruncateEntry extends BarrierFields {
  readonly type: 'truncate'
}
export interface ShapeEntry extends BarrierFields {
  readonly type: 'shape'
  readonly shape: string
  readonly defaults: Readonly<Record<string, string | null>>
  /** The log cannot tell what the change did to rows that exist: the loads before it are void. */
  readonly isAmbiguous?: true
  /** What is noted of the partitions now, for a table that has such. */
  readonly partitions?: readonly string[]
}
export interface RenameEntry extends BarrierFields {
  readonly type: 'rename'
  readonly to: TableId
  readonly shape: string
}
export interface DropEntry extends BarrierFields {
  readonly type: 'drop'
}

export type LoadEntry = LoadBeginEntry | LoadPartEntry | LoadEndEntry | LoadCancelEntry

interface LoadFields {
  readonly table: TableId
  /** Id of the load, unique in the lake. */
  readonly load: string
}
export interface LoadBeginEntry extends LoadFields {
  readonly type: 'load-begin'
  readonly shape: string
  /** The load contains exactly the transactions whose commit LSN is below this. */
  readonly lsn: Lsn
  /** Head of the log before the snapshot was asked for: changes from `since + 1` on belong on top of it. */
  readonly since: number
  /** The consumers it is for. */
  readonly for: 'all' | readonly string[]
  /** What is noted of the partitions if nothing was noted before: `oid:file` each. */
  readonly partitions?: readonly string[]
}
export interface LoadPartEntry extends LoadFields {
  readonly type: 'load-part'
  readonly path: string
  readonly rows: number
  readonly bytes: number
  readonly sha256: string
}
export interface LoadEndEntry extends LoadFields {
  readonly type: 'load-end'
  readonly rows: number
}
export interface LoadCancelEntry extends LoadFields {
  readonly type: 'load-cancel'
}

/**
 * Writes to a bucket or folder what AWS DMS would write for the same changes.
 *
 * A file is made from the stretch, the memo and the settings, and from nothing else: its name, where
 * it ends, its bytes. So whoever takes a stretch again finds the files there, see `put-file.ts`. The
 * memo holds the number of the last LOAD file (`load`), the last name of a file of changes (`name`), and
 * the latest commit so far (`time`), below which no folder of a date goes back.
 */

import { OP, type ChangeCursor } from '../../core/change-log.ts'
import type { DmsFilesSettings } from '../../core/dms-files-settings.ts'
import type { ObjectStore } from '../../core/object-store.ts'
import type {
  ChangesStretch,
  LoadPlace,
  LoadStretchRows,
  Memo,
  OrderedTaker,
} from '../../core/ordered.ts'
import { CsvLines } from './csv-lines.ts'
import type { FileLines, LineForm } from './file-lines.ts'
import { LoadRows } from './load-rows.ts'
import { changesKey, dateFolder, loadKey, streamKey, WallClock } from './names.ts'
import { ParquetLines } from './parquet-lines.ts'
import { putFile } from './put-file.ts'
import { StretchRows, type ChangeRow } from './stretch-rows.ts'
import { microsOf, msOf } from './value-text.ts'

export interface DmsFilesParts {
  readonly name: string
  readonly store: ObjectStore
  readonly settings: DmsFilesSettings
}

/** Of the next file. */
interface FileBegin {
  readonly key: string
  readonly folder: string
  readonly shape: ChangeRow['shape']
}

export class DmsFiles implements OrderedTaker {
  readonly name: string
  readonly isMerged: boolean
  readonly #store: ObjectStore
  readonly #settings: DmsFilesSettings
  readonly #clock: WallClock

  constructor({ name, store, settings }: DmsFilesParts) {
    this.name = name
    this.#store = store
    this.#settings = settings
    this.#clock = new WallClock(settings.timezone)
    this.isMerged = settings.cdcPath !== null
  }

  async takeChanges(stretch: ChangesStretch): Promise<Memo> {
    const rows = new StretchRows(stretch.groups, (change) => this.#isWanted(change))
    const place = new ChangesPlace(stretch, this.#settings, this.#clock)
    try {
      while (await rows.ready()) {
        const file = place.begin(rows.current!)
        await this.#put(file.key, this.#changes(rows, file, place))
      }
    } finally {
      rows.close()
    }
    return place.memo
  }

  async takeLoad(
    stretch: LoadStretchRows,
  ): Promise<{ readonly memo: Memo; readonly place: LoadPlace | null }> {
    const { memo, table, parts, place } = stretch
    const rows = new LoadRows(parts, place)
    try {
      if (!(await rows.ready())) return { memo, place: null }
      const load = (memo['load'] ?? 0) + 1
      await this.#put(loadKey(this.#settings, table, load), this.#load(rows, stretch))
      const hasMore = await rows.ready()
      return { memo: { ...memo, load }, place: hasMore ? rows.place : null }
    } finally {
      await rows.close()
    }
  }

  async *#changes(rows: StretchRows, file: FileBegin, place: ChangesPlace): AsyncGenerator<Buffer> {
    const { cdcMinFileBytes } = this.#settings
    const lines = this.#lines(file.shape, this.#formOfChanges())
    let isFirst = true
    do {
      for (let row = rows.current; row !== null; row = rows.current) {
        const isFull = lines.size >= cdcMinFileBytes
        if (!isFirst && place.isEnd(row, file, isFull)) {
          yield lines.end()
          return
        }
        isFirst = false
        const { shape, change } = row
        const { op, bytes, start, committedAt: at } = change
        lines.row({ op, shape, bytes, start, at })
        place.wrote(change)
        rows.step()
        const piece = lines.piece()
        if (piece !== null) yield piece
      }
    } while (await rows.ready())
    yield lines.end()
  }

  async *#load(rows: LoadRows, { shape, startedAtMs }: LoadStretchRows): AsyncGenerator<Buffer> {
    const { includeOpForFullLoad, maxFileBytes } = this.#settings
    const lines = this.#lines(shape, { hasOp: includeOpForFullLoad, hasTable: false })
    let isFirst = true
    const isStart = this.#settings.useTaskStartTimeForFullLoadTimestamp
    do {
      for (let start = rows.start; start !== null; start = rows.start) {
        const at = microsOf(isStart ? startedAtMs : rows.closedAtMs)
        lines.row({ op: OP.insert, shape, bytes: rows.bytes, start, at })
        if (lines.size > maxFileBytes && !isFirst) {
          lines.undo()
          yield lines.end()
          return
        }
        isFirst = false
        rows.step()
        const piece = lines.piece()
        if (piece !== null) yield piece
      }
    } while (await rows.ready())
    yield lines.end()
  }

  #put(key: string, body: AsyncIterable<Buffer>): Promise<void> {
    // Parquet packs its own pages.
    const isGzip = key.endsWith('.gz')
    return putFile(this.#store, { key, isGzip }, body)
  }

  /** The ordered stream is CSV, always. */
  #lines(shape: ChangeRow['shape'], form: LineForm): FileLines {
    const { parquet, addColumnName } = this.#settings
    if (parquet !== null && !form.hasTable) {
      return new ParquetLines({ ...this.#settings, parquet }, { shape, hasOp: form.hasOp })
    }
    const lines = new CsvLines(this.#settings, form)
    if (addColumnName && !form.hasTable) lines.header(shape)
    return lines
  }

  #formOfChanges(): LineForm {
    const { cdcInsertsOnly, includeOpForFullLoad } = this.#settings
    if (this.isMerged) return { hasOp: true, hasTable: true }
    return { hasOp: !cdcInsertsOnly || includeOpForFullLoad, hasTable: false }
  }

  /** The insert of a changed key, which has an odd ordinal, is an update at the source. */
  #isWanted({ op, ordinal }: ChangeCursor): boolean {
    const { cdcInsertsOnly, cdcInsertsAndUpdates } = this.#settings
    if (cdcInsertsOnly) return op === OP.insert && ordinal % 2 === 0
    return !cdcInsertsAndUpdates || op !== OP.delete
  }
}

/** Which file a row belongs to, while a stretch is written. */
class ChangesPlace {
  readonly #stretch: ChangesStretch
  readonly #settings: DmsFilesSettings
  readonly #clock: WallClock
  #name: number
  #time: number
  #lsn: bigint | null = null

  constructor(stretch: ChangesStretch, settings: DmsFilesSettings, clock: WallClock) {
    this.#stretch = stretch
    this.#settings = settings
    this.#clock = clock
    this.#name = stretch.memo['name'] ?? 0
    this.#time = stretch.memo['time'] ?? 0
  }

  get memo(): Memo {
    return { ...this.#stretch.memo, name: this.#name, time: this.#time }
  }

  begin({ shape, change }: ChangeRow): FileBegin {
    const { table, closedAtMs } = this.#stretch
    this.#name = Math.max(this.#clock.at(closedAtMs), this.#name + 1)
    const folder = this.#folder(change)
    const { cdcPath } = this.#settings
    const key =
      table === null
        ? streamKey(this.#settings, cdcPath ?? '', this.#name)
        : changesKey(this.#settings, { table, folder, wallMs: this.#name })
    return { key, folder, shape }
  }

  /** Whether the row cannot be in the file any more. */
  isEnd({ shape, change }: ChangeRow, file: FileBegin, isFull: boolean): boolean {
    if (this.#stretch.table === null) return isFull && change.commitLsn !== this.#lsn
    return isFull || shape.number !== file.shape.number || this.#folder(change) !== file.folder
  }

  wrote({ committedAt, commitLsn }: ChangeCursor): void {
    this.#time = Math.max(this.#time, msOf(committedAt))
    this.#lsn = commitLsn
  }

  #folder({ committedAt }: ChangeCursor): string {
    const { datePartition } = this.#settings
    if (datePartition === null) return ''
    const time = Math.max(this.#time, msOf(committedAt))
    return dateFolder(datePartition, this.#clock.at(time))
  }
}

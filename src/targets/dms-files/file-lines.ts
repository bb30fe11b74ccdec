/** What goes into one file, line by line, whatever its format. */

import type { Op } from '../../core/change-log.ts'
import type { Shape } from '../../core/table.ts'

export interface Line {
  readonly op: Op
  readonly shape: Shape
  /** Its tuple begins at `bytes[start]`. */
  readonly bytes: Buffer
  readonly start: number
  /** For the timestamp column: microseconds since 2000. */
  readonly at: bigint
}

export interface LineForm {
  readonly hasOp: boolean
  /** Table and schema stand behind the Op. */
  readonly hasTable: boolean
}

export interface FileLines {
  /** How large the file is so far, before it is packed. */
  readonly size: number
  row(line: Line): void
  /** Takes the last row back. Nothing may have been taken since. */
  undo(): void
  /** Bytes that are worth to be taken now; `null` if it is better to wait. */
  piece(): Buffer | null
  /** The rest of the file. */
  end(): Buffer
}

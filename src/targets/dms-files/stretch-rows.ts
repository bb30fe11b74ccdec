/**
 * The rows of a stretch of changes, one after the other in the order of the source.
 *
 * Files of one group are open at the same time, and the row that committed first is the next one;
 * where tables are not merged a group is one file. `step` goes on within what is open, and `ready`
 * opens what follows, since that takes time.
 */

import { ChangeCursor, OP } from '../../core/change-log.ts'
import type { ChangesPiece } from '../../core/ordered.ts'
import type { Shape } from '../../core/table.ts'

/** A row where it stands; valid until the next one is asked for. */
export interface ChangeRow {
  readonly shape: Shape
  readonly change: ChangeCursor
}

type IsWanted = (change: ChangeCursor) => boolean

export class StretchRows {
  readonly #groups: Iterator<readonly ChangesPiece[]>
  readonly #isWanted: IsWanted
  #open: OpenFile[] = []
  #current: OpenFile | null = null

  constructor(groups: readonly (readonly ChangesPiece[])[], isWanted: IsWanted) {
    this.#groups = groups.values()
    this.#isWanted = isWanted
  }

  get current(): ChangeRow | null {
    return this.#current
  }

  /** Goes to the next row within what is open; `current` is `null` if there is none. */
  step(): void {
    const open = this.#current
    if (open === null) return
    if (!open.step()) this.#open = this.#open.filter((file) => file !== open)
    this.#current = first(this.#open)
  }

  /** False if there is no row more. */
  async ready(): Promise<boolean> {
    while (this.#current === null) {
      const { value: group, done } = this.#groups.next()
      if (done) return false
      for (const piece of group) this.#open.push(await OpenFile.read(piece, this.#isWanted))
      this.#open = this.#open.filter((file) => file.step())
      this.#current = first(this.#open)
    }
    return true
  }

  close(): void {
    for (const file of this.#open) file.close()
    this.#open = []
    this.#current = null
  }
}

function first(open: readonly OpenFile[]): OpenFile | null {
  let earliest: OpenFile | null = null
  for (const file of open) {
    if (earliest === null || isBefore(file.change, earliest.change)) earliest = file
  }
  return earliest
}

function isBefore(a: ChangeCursor, b: ChangeCursor): boolean {
  if (a.commitLsn !== b.commitLsn) return a.commitLsn < b.commitLsn
  return a.ordinal < b.ordinal
}

class OpenFile implements ChangeRow {
  readonly shape: Shape
  readonly change = new ChangeCursor()
  readonly #blocks: Generator<Buffer>
  readonly #piece: ChangesPiece
  readonly #isWanted: IsWanted

  private constructor(
    piece: ChangesPiece,
    { shape, blocks, isWanted }: { shape: Shape; blocks: Generator<Buffer>; isWanted: IsWanted },
  ) {
    this.#piece = piece
    this.shape = shape
    this.#blocks = blocks
    this.#isWanted = isWanted
  }

  static async read(piece: ChangesPiece, isWanted: IsWanted): Promise<OpenFile> {
    const shape = await piece.shape()
    const changes = await piece.read()
    return new OpenFile(piece, { shape, blocks: changes.drain(), isWanted })
  }

  /** False at the end. */
  step(): boolean {
    const { change } = this
    const { from } = this.#piece
    for (;;) {
      while (change.next()) {
        if (change.op === OP.truncate || (from !== null && change.commitLsn < from)) continue
        if (this.#isWanted(change)) return true
      }
      const { value: block, done } = this.#blocks.next()
      if (done) return false
      change.open(block)
    }
  }

  close(): void {
    this.#blocks.return(undefined)
  }
}

/** Rows as CSV into a COPY, and what its failures mean for the columns of the table. */

import { CsvWriter } from '../../core/csv.ts'
import { CodedError } from '../../core/errors.ts'
import type { CopyIn } from '../../postgres/copy-in.ts'
import type { RowSink } from '../sql/rows.ts'
import { atTarget } from './failures.ts'
import type { Session } from './session.ts'

/** A chunk of the writer. */
const FLUSH_BYTES = 256 * 1024

/**
 * Copies what `write` writes. Resolves to the number of rows that the server took. `nameOf` translates
 * the name of a copied column into that of the table.
 */
export async function copyRows(
  tx: Session,
  into: string,
  {
    write,
    nameOf,
  }: {
    readonly write: (sink: RowSink) => Promise<unknown>
    readonly nameOf: (column: string) => string
  },
): Promise<number> {
  const copy = await tx.copyIn(`COPY ${into} FROM STDIN (FORMAT csv)`)
  try {
    const sink = new CopySink(copy)
    await write(sink)
    await sink.end()
    return await copy.finish()
  } catch (error) {
    await copy.abort()
    throw named(atTarget(error), nameOf)
  }
}

class CopySink implements RowSink {
  readonly csv = new CsvWriter()
  readonly #copy: CopyIn
  #pending = 0

  constructor(copy: CopyIn) {
    this.#copy = copy
  }

  rowEnd(bytes: number): boolean {
    this.csv.rowEnd()
    this.#pending += bytes
    return this.#pending >= FLUSH_BYTES
  }

  async flush(): Promise<void> {
    this.#pending = 0
    await this.#send(this.csv.takeFull())
  }

  async end(): Promise<void> {
    await this.#send(this.csv.takeAll())
  }

  async #send(chunks: Iterable<Buffer>): Promise<void> {
    for (const chunk of chunks) await this.#copy.write(chunk)
  }
}

function named(error: unknown, nameOf: (column: string) => string): unknown {
  if (!(error instanceof CodedError) || error.code !== 'VALUE_UNFIT') return error
  const { column: copied, ...details } = error.details
  if (typeof copied !== 'string') return error
  const column = nameOf(copied)
  return new CodedError('VALUE_UNFIT', `column ${column}: ${error.message}`, {
    details: { ...details, column },
    hint: 'compare the type of the column in the target with that in the source',
  })
}

/**
 * A snapshot of a scripted database: the rows as they were, copied row by row while the database goes
 * on. Its LSN is where the WAL ended, so the next commit may stand exactly there and is not in it.
 */

import type { LoadableTable, LoadSnapshot, TableCopy } from '../../src/capture/source.ts'
import { fail } from '../../src/core/errors.ts'
import { lsn as lsnOf, type Lsn } from '../../src/core/lsn.ts'
import { TEXT } from '../support/tuples.ts'
import type { Life } from './scheduler.ts'
import type { State, Table } from './scripted-database.ts'
import type { Server } from './scripted-source.ts'
import { copyData } from './scripted-stream.ts'

export class ScriptedSnapshot implements LoadSnapshot {
  readonly lsn: Lsn
  readonly #server: Server
  readonly #life: Life
  readonly #state: State
  readonly #rewrites: ReadonlyMap<string, number>
  /** The keeper has died: whoever comes finds nothing. */
  #isLost = false

  constructor(server: Server, life: Life) {
    const { database, knockouts } = server.parts
    this.#server = server
    this.#life = life
    this.lsn = lsnOf(database.position + (knockouts.loadLE ? 1n : 0n))
    this.#state = database.state
    const tables = [...database.tables.values()]
    this.#rewrites = new Map(tables.map(({ name, rewrites }) => [name, rewrites]))
  }

  async open({ name }: LoadableTable): Promise<TableCopy> {
    const { database } = this.#server.parts
    const table = database.tables.get(name.name)!
    const { columns, unlock } = await this.#life.gate(`lock ${name.name}`, () => {
      this.#mayLose(0.04)
      if (this.#rewrites.get(table.name) !== table.rewrites) {
        this.#server.parts.counters.add('tableChanged')
        fail('TABLE_CHANGED', `${table.name} was rewritten after the snapshot`)
      }
      return { columns: database.state.get(table.name)!.columns, unlock: this.#lock(table) }
    })
    return {
      name,
      facts: { columns: columns.map((column) => ({ name: column, type: TEXT })), key: ['id'] },
      rows: (places) =>
        this.#copy(
          table,
          places.map((place) => (place === null ? null : columns[place]!)),
        ),
      [Symbol.asyncDispose]: () => {
        unlock()
        return Promise.resolve()
      },
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#isLost = true
    return Promise.resolve()
  }

  #lock(table: Table): () => void {
    table.locks++
    let isHeld = true
    const unlock = (): void => {
      if (isHeld) table.locks--
      isHeld = false
    }
    this.#life.onDeath(unlock)
    return unlock
  }

  async *#copy(table: Table, columns: readonly (string | null)[]): AsyncGenerator<Buffer> {
    const { random } = this.#server.parts
    const old = this.#state.get(table.name)!
    // A row that is older than a column has its default.
    const missing = Object.fromEntries(table.missing)
    const lines = [...old.rows.values()].map((row) => {
      const values: Readonly<Record<string, string | null>> = { ...missing, ...row }
      return columns.map((column) => csvField(column === null ? null : values[column]!)).join()
    })
    while (lines.length > 0) {
      yield await this.#life.gate(`copy ${table.name}`, () => {
        this.#mayLose(0.03)
        const some = lines.splice(0, 1 + random.below(3))
        return Buffer.concat(some.map((line) => copyData(Buffer.from(`${line}\n`))))
      })
    }
  }

  #mayLose(probability: number): void {
    const { random, counters } = this.#server.parts
    if (!this.#isLost && !this.#server.isCalm && random.chance(probability)) {
      this.#isLost = true
      counters.add('keeperDeath')
    }
    if (this.#isLost) fail('CONNECTION_LOST', 'the keeper of the snapshot is gone')
  }
}

function csvField(value: string | null): string {
  if (value === null) return ''
  return value === '' || /[",]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value
}

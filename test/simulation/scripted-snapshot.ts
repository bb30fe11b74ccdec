/**
 * A snapshot of a scripted database: the rows as they were, copied row by row while the database goes
 * on. Its LSN is where the WAL ended, so the next commit may stand exactly there and is not in it.
 */

import type { LoadableTable, LoadSnapshot, TableCopy } from '../../src/capture/source.ts'
import { fail } from '../../src/core/errors.ts'
import { lsn as lsnOf, type Lsn } from '../../src/core/lsn.ts'
import type { Life } from './scheduler.ts'
import type { Server } from './scripted-source.ts'
import { copyData } from './scripted-stream.ts'
import type { State, Table } from './scripted-table.ts'

export class ScriptedSnapshot implements LoadSnapshot {
  readonly lsn: Lsn
  readonly #server: Server
  readonly #life: Life
  readonly #state: State
  readonly #tables: ReadonlyMap<number, Pick<Table, 'signature' | 'rewrites'>>
  /** The keeper has died: whoever comes finds nothing. */
  #isLost = false

  constructor(server: Server, life: Life) {
    const { database, knockouts } = server.parts
    this.#server = server
    this.#life = life
    this.lsn = lsnOf(database.position + (knockouts.loadLE ? 1n : 0n))
    this.#state = database.state
    const tables = [...database.tables.values()]
    this.#tables = new Map(
      tables.map(({ oid, signature, rewrites }) => [oid, { signature, rewrites }]),
    )
  }

  async open({ oid, name }: LoadableTable): Promise<TableCopy> {
    const { database, knockouts } = this.#server.parts
    const { table, columns, unlock } = await this.#life.gate(`lock ${name.name}`, () => {
      this.#mayLose(0.04)
      const now = database.tables.get(name.name)!
      const before = this.#tables.get(now.oid)
      const isSame = before?.signature === now.signature || knockouts.anyTable
      if (before === undefined || now.oid !== oid || !isSame) {
        this.#server.parts.counters.add('tableChanged')
        fail('TABLE_CHANGED', `${now.name} was changed after the snapshot`)
      }
      const unlocked = this.#lock(now)
      return { table: now, columns: database.state.get(now.name)!.columns, unlock: unlocked }
    })
    return {
      name,
      facts: { columns: this.#server.columns(table, columns), key: ['id'] },
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
    const isEmpty = this.#tables.get(table.oid)!.rewrites !== table.rewrites
    const lines = (isEmpty ? [] : [...old.rows.values()]).map((row) =>
      columns.map((column) => csvField(column === null ? null : (row[column] ?? null))).join(),
    )
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

/** What the steps of one transaction share. */

import type { TableName } from '../../core/table.ts'
import type { Database } from './database.ts'
import type { Connection } from './driver.ts'

export class Transaction {
  readonly connection: Connection
  readonly database: Database
  readonly #written = new Set<string>()

  constructor(connection: Connection, database: Database) {
    this.connection = connection
    this.database = database
  }

  run(sql: string): Promise<number> {
    return this.connection.run(sql)
  }

  /** Notes that rows which were committed before were deleted or updated. */
  markWritten(place: TableName): void {
    this.#written.add(key(place))
  }

  /** Notes that the table is a new one, made by this transaction. */
  markNew(place: TableName): void {
    this.#written.delete(key(place))
  }

  isWritten(place: TableName): boolean {
    return this.#written.has(key(place))
  }

  /** Notes that the table has another name now, in the place of any that had it. */
  markRenamed(from: TableName, to: TableName): void {
    if (this.#written.delete(key(from))) this.#written.add(key(to))
    else this.#written.delete(key(to))
  }
}

function key({ namespace, name }: TableName): string {
  return JSON.stringify([namespace, name])
}

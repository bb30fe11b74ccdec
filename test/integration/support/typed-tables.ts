/** A table `app.f<i>` for each family of types, with a column for each type that the server knows. */

import type { TestDatabase } from '../../support/postgres.ts'
import { serverVersion } from './hostile-role.ts'
import { FAMILIES, inputOf, SETUP, type TypeFamily, type TypeSamples } from './type-samples.ts'

/** Added to the key of a row that was inserted while the stream ran. */
export const STREAMED = 100_000

export class TypedTables {
  readonly #db: TestDatabase
  readonly #version: number

  private constructor(db: TestDatabase, version: number) {
    this.#db = db
    this.#version = version
  }

  /** Makes the types of our own; tables are made one by one. */
  static async setUp(db: TestDatabase): Promise<TypedTables> {
    await db.query(SETUP)
    return new TypedTables(db, await serverVersion(db))
  }

  readonly knows = ({ since = 0 }: TypeSamples): boolean => this.#version >= since

  async create(family: number): Promise<void> {
    const columns = FAMILIES[family]!.types.map(
      (one, c) => `c${c} ${this.knows(one) ? one.type : 'text'}`,
    )
    await this.#db.query(`create table app.f${family} (id int primary key, ${columns.join(', ')})`)
  }

  /** Inserts the samples of the family, from this key on. */
  async fill(family: number, firstId: number): Promise<void> {
    const { types } = FAMILIES[family]!
    for (let row = 0; row < rowsOf(FAMILIES[family]!); row++) {
      const values = types.map((one) => {
        const sample = this.knows(one) ? one.samples[row] : undefined
        return sample === undefined ? null : inputOf(sample)
      })
      const places = values.map((_, i) => `$${i + 2}`).join(', ')
      const all = [firstId + row, ...values]
      await this.#db.query(`insert into app.f${family} values ($1, ${places})`, all)
    }
  }
}

/** How many rows hold all samples. */
export function rowsOf({ types }: TypeFamily): number {
  return Math.max(...types.map(({ samples }) => samples.length))
}

/** Lines of files as DMS writes them: what a source must end in, and what is there. */

import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'

import type { Random } from '../../../src/demo/random.ts'
import type { TestDatabase } from '../../support/postgres.ts'

/** The content of every file below a folder that is not our own, by its name. */
export async function filesUnder(root: string): Promise<Record<string, string>> {
  const files: Record<string, string> = {}
  for (const name of (await readdir(root, { recursive: true })).toSorted()) {
    if (name.startsWith('_millrace') || !/\.csv(\.gz)?$/.test(name)) continue
    const bytes = await readFile(join(root, name))
    files[name] = (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString()
  }
  return files
}

/** One session that commits one transaction after the other, so that their order is known. */
export class OneWriter {
  readonly #random: Random
  /** The lines of each transaction. */
  readonly #commits: string[][] = []
  readonly #rows = new Map<number, string>()
  /** The table before each transaction. */
  readonly #states: string[][] = []
  #next = 0

  constructor(random: Random) {
    this.#random = random
  }

  async fill(source: TestDatabase): Promise<void> {
    for (let i = 0; i < 500; i++) this.#rows.set(++this.#next, `first ${i}`)
    const values = [...this.#rows].map(([id, v]) => `(${id}, '${v}')`)
    await source.query(`insert into app.t values ${values.join()}`)
  }

  async commit(source: TestDatabase): Promise<void> {
    this.#states.push([...this.#rows].map(([id, v]) => `${id},${v}`))
    const lines: string[] = []
    const statements: string[] = []
    for (let i = this.#random.upTo(8); i > 0; i--) this.#step(lines, statements)
    await source.query(`begin; ${statements.join('; ')}; commit`)
    this.#commits.push(lines)
  }

  #step(lines: string[], statements: string[]): void {
    const ids = [...this.#rows.keys()]
    const luck = ids.length === 0 ? 1 : this.#random.upTo(3)
    const v = `v${this.#next} ${'x'.repeat(this.#random.upTo(40))}`
    if (luck === 1) {
      const id = ++this.#next
      this.#rows.set(id, v)
      lines.push(`I,${id},${v}`)
      statements.push(`insert into app.t values (${id}, '${v}')`)
      return
    }
    const id = this.#random.pick(ids)
    if (luck === 2) {
      this.#rows.set(id, v)
      lines.push(`U,${id},${v}`)
      statements.push(`update app.t set v = '${v}' where id = ${id}`)
    } else {
      this.#rows.delete(id)
      lines.push(`D,${id},`)
      statements.push(`delete from app.t where id = ${id}`)
    }
  }

  /** The load is what the table was before one transaction; the changes are that one and all later. */
  check(files: Readonly<Record<string, string>>): void {
    const linesOf = (isWanted: (name: string) => boolean) =>
      Object.keys(files)
        .filter(isWanted)
        .flatMap((name) => files[name]!.split('\n').slice(0, -1))
    const loaded = linesOf((name) => name.includes('/LOAD'))
    const changed = linesOf((name) => !name.includes('/LOAD'))
    let from = this.#commits.length
    for (let left = changed.length; left > 0 && from > 0;) left -= this.#commits[--from]!.length
    assert.ok(this.#commits.length > 50)
    assert.deepEqual(changed, this.#commits.slice(from).flat())
    if (loaded.length === 0) assert.equal(from, 0)
    else assert.deepEqual(loaded.toSorted(), this.#states[from]!.toSorted())
  }
}

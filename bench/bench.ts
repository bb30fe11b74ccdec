/** What every benchmark is given: a server, a folder of its own, and the options. */

import { randomBytes } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

import { Client } from 'pg'

import type { Options } from './options.ts'

export interface BenchParts {
  readonly url: string
  readonly folder: string
  readonly options: Options
  readonly say: (line: string) => void
}

export class Bench implements AsyncDisposable {
  readonly url: string
  readonly folder: string
  readonly options: Options
  readonly say: (line: string) => void
  readonly #client: Client

  private constructor({ url, folder, options, say }: BenchParts, client: Client) {
    this.url = url
    this.folder = folder
    this.options = options
    this.say = say
    this.#client = client
  }

  static async open(parts: BenchParts): Promise<Bench> {
    const client = new Client({ connectionString: parts.url })
    await client.connect()
    return new Bench(parts, client)
  }

  /** Runs SQL outside of a transaction, so that it may commit by itself. */
  async sql<T extends object>(text: string): Promise<T[]> {
    const { rows } = await this.#client.query<T>(text)
    return rows
  }

  /** A new folder, which is removed when it is disposed of. */
  async newFolder(): Promise<{ readonly path: string } & AsyncDisposable> {
    const path = join(this.folder, randomBytes(4).toString('hex'))
    await mkdir(path, { recursive: true })
    return {
      path,
      [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.end()
  }
}

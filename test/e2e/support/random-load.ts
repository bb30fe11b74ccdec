/**
 * A random load: several writers whose transactions interleave, roll back, and name rows in every way.
 *
 * What each writer does follows from the seed; how the writers interleave does not. A statement may
 * fail, by a key that is taken or a deadlock: then its transaction is one more that was rolled back.
 * While the server is down, writers try to connect again.
 */

import { setTimeout as sleep } from 'node:timers/promises'

import pg from 'pg'

import { seededRandom, type Random } from '../../../src/demo/random.ts'
import { largeSteps, steps, type Step } from './random-steps.ts'

export interface RandomLoad extends AsyncDisposable {
  readonly commits: number
  readonly rollbacks: number
  /** Resolves once every writer has ended its transaction. Rejects if one could not go on. */
  stop(): Promise<void>
}

const WRITERS = 3

/** Between transactions, so that the program can keep up although it is killed all the time. */
const THINK_MS = 50

export function startRandomLoad(url: string, seed: number): RandomLoad {
  const writers = Array.from({ length: WRITERS }, (_, i) => new Writer(url, seed, i + 1))
  const done = Promise.all(writers.map((writer) => writer.run()))
  done.catch(() => {}) // `stop` tells
  const sum = (count: (writer: Writer) => number): number => {
    let total = 0
    for (const writer of writers) total += count(writer)
    return total
  }
  const stop = async (): Promise<void> => {
    for (const writer of writers) writer.stop()
    await done
  }
  return {
    stop,
    [Symbol.asyncDispose]: stop,
    get commits() {
      return sum(({ commits }) => commits)
    },
    get rollbacks() {
      return sum(({ rollbacks }) => rollbacks)
    },
  }
}

/** What a transaction may fail with, and be forgotten. */
const FORGIVEN: ReadonlySet<string> = new Set([
  '23505', // unique_violation
  '40P01', // deadlock_detected
])

class Writer {
  commits = 0
  rollbacks = 0
  readonly #url: string
  readonly #random: Random
  /** Of this writer alone, so that keys that are only passed through do not meet. */
  readonly #number: number
  #isStopped = false

  constructor(url: string, seed: number, number: number) {
    this.#url = url
    this.#random = seededRandom(seed * 31 + number)
    this.#number = number
  }

  stop(): void {
    this.#isStopped = true
  }

  async run(): Promise<void> {
    while (!this.#isStopped) {
      const client = await this.#connect()
      if (client === null) {
        await sleep(20)
        continue
      }
      try {
        while (!this.#isStopped) {
          await this.#transaction(client)
          await sleep(this.#random.upTo(THINK_MS))
        }
      } catch (error) {
        if (sqlstate(error) !== null && !isOfShutdown(error)) throw error
      } finally {
        await client.end().catch(() => {})
      }
    }
  }

  async #connect(): Promise<pg.Client | null> {
    const client = new pg.Client({ connectionString: this.#url })
    client.on('error', () => {})
    try {
      await client.connect()
      return client
    } catch {
      return null
    }
  }

  async #transaction(client: pg.Client): Promise<void> {
    const random = this.#random
    try {
      await client.query('begin')
      if (random.upTo(100) === 1) await this.#step(client, random.pick(largeSteps))
      for (let i = random.upTo(4); i > 0; i--) await this.#part(client)
      const isGood = random.upTo(8) > 1
      await client.query(isGood ? 'commit' : 'rollback')
      if (isGood) this.commits++
      else this.rollbacks++
    } catch (error) {
      if (!FORGIVEN.has(sqlstate(error) ?? '')) throw error
      await client.query('rollback')
      this.rollbacks++
    }
  }

  /** Statements, or a savepoint with some of them that is kept or given up. */
  async #part(client: pg.Client): Promise<void> {
    const random = this.#random
    if (random.upTo(6) > 1) return this.#step(client, random.pick(steps))
    await client.query('savepoint here')
    const large = random.upTo(40) === 1 ? largeSteps : steps
    for (let i = random.upTo(3); i > 0; i--) await this.#step(client, random.pick(large))
    await client.query(random.upTo(2) === 1 ? 'rollback to here' : 'release here')
  }

  async #step(client: pg.Client, step: Step): Promise<void> {
    for (const sql of step({ random: this.#random, writer: this.#number })) await client.query(sql)
  }
}

function sqlstate(error: unknown): string | null {
  const isPostgres = error instanceof pg.DatabaseError
  return isPostgres ? (error.code ?? null) : null
}

/** Class 57 is what a server says on its way down, and on its way up. */
function isOfShutdown(error: unknown): boolean {
  return sqlstate(error)?.startsWith('57') ?? false
}

/** A PostgreSQL source on a test's database, and how many connections it holds there. */

import { setTimeout as sleep } from 'node:timers/promises'

import type { PostgresSourceOptions } from '../../../src/capture/postgres/postgres-source-options.ts'
import { PostgresSource } from '../../../src/capture/postgres/postgres-source.ts'
import { systemClock } from '../../../src/system-clock.ts'
import type { TestDatabase } from '../../support/postgres.ts'

let ids = 0

export function sourceOf(
  db: TestDatabase,
  options: Partial<PostgresSourceOptions> = {},
): PostgresSource {
  return new PostgresSource({
    url: db.url,
    task: 'test',
    slot: db.name,
    publication: { name: db.name, isOurs: true },
    load: 'full-load-and-cdc',
    isSelected: () => true,
    clock: systemClock,
    newId: () => `${process.pid}_${++ids}`,
    ...options,
  })
}

const ATTEMPTS = 500

/** Fails if one is left after a while: a server needs a moment to notice that a client has gone. */
export async function noConnections(db: TestDatabase): Promise<void> {
  let left: unknown[] = []
  for (let i = 0; i < ATTEMPTS; i++) {
    left = await db.query(
      `select application_name, state, query from pg_stat_activity
        where datname = $1 and application_name like 'millrace %'`,
      [db.name],
    )
    if (left.length === 0) return
    await sleep(10)
  }
  throw new Error(`connections are left: ${JSON.stringify(left)}`)
}

/** Waits until the query has a row. */
export async function until(db: TestDatabase, sql: string): Promise<void> {
  for (let i = 0; i < ATTEMPTS; i++) {
    if ((await db.query(sql)).length > 0) return
    await sleep(10)
  }
  throw new Error(`never came true: ${sql}`)
}

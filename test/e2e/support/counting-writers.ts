/** Writers that commit without a pause: each inserts, counts up and deletes rows of its own in `app.t`. */

import pg from 'pg'

export interface CountingWriters extends AsyncDisposable {
  stop(): Promise<void>
}

/** A writer deletes its row of so many rounds ago, so that the table stays small. */
const KEPT = 20

export function startCounting(url: string, count: number): CountingWriters {
  const stopped = new AbortController()
  const write = async (_: unknown, writer: number): Promise<void> => {
    const client = new pg.Client({ connectionString: url })
    client.on('error', () => {}) // the query says it, too
    await client.connect()
    try {
      for (let round = 0; !stopped.signal.aborted; round++) {
        for (const sql of statementsOf(`w${writer}`, round)) await client.query(sql)
      }
    } finally {
      await client.end()
    }
  }
  const done = Promise.all(Array.from({ length: count }, write))
  done.catch(() => {}) // `stop` tells
  const stop = async (): Promise<void> => {
    stopped.abort()
    await done
  }
  return { stop, [Symbol.asyncDispose]: stop }
}

/**
 * Short transactions that are open for as long as a few messages take: so at any time some have only
 * their commit before them, and much of the WAL is commits.
 */
function statementsOf(name: string, round: number): string[] {
  const changes = [
    `insert into app.t values ('${name}-${round}', 0)`,
    `update app.t set n = n + 1 where id = '${name}-${round}'`,
    `delete from app.t where id = '${name}-${round - KEPT}'`,
  ]
  return changes.flatMap((change) => ['begin', change, 'commit'])
}

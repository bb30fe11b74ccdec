/**
 * Whether a task can go on from where its lake ends, seen without changing anything: what `resync --all`
 * and `move` decide by.
 */

import { lossIn } from '../capture/slot/guards.ts'
import { compared } from '../capture/slot/new-epoch.ts'
import { openSource, type Lake } from '../compose.ts'
import type { Config } from '../config/config.ts'
import { fail, type CodedError } from '../core/errors.ts'
import type { TableId } from '../core/table.ts'
import { readLakeOf } from '../lake/lake-info.ts'

export interface Standing {
  /** The last manifest, and its epoch. */
  readonly n: number
  readonly epoch: number
  /** Why the log cannot go on; `null` if nothing is lost. */
  readonly loss: CodedError | null
  /** The server and database that the log was read from last, and those that the url leads to. */
  readonly was: Place
  readonly is: Place
  /** What the source has. */
  readonly tables: readonly TableId[]
  /** Tables of the log that the source does not have, or that are not selected any more. */
  readonly without: readonly TableId[]
}

export interface Place {
  readonly systemId: string
  readonly database: string
  readonly timeline: number
}

export async function standing(config: Config, lake: Lake): Promise<Standing> {
  const { store, reader } = lake
  await readLakeOf(store, config.task)
  const source = openSource(config, lake)
  // The slot first: what it is confirmed up to is in the lake by then.
  const { facts, system } = await source.examine()
  const head = await reader.recover()
  if (head.run === null) {
    return fail('LAKE_MISSING', 'there is nothing in the lake yet', {
      hint: 'start with `millrace run`, which loads all tables',
    })
  }
  if (system === null) {
    return fail('NO_REPLICATION_RIGHT', 'our user may not ask the server who it is', {
      hint: 'see `millrace doctor`',
    })
  }
  const is = { ...system, database: facts.server.database }
  const { n, epoch, timeline, run } = head
  return {
    n,
    epoch,
    loss: await lossIn(head, { ...is, slot: facts.slot }, source),
    was: { systemId: run.systemId, database: run.database, timeline },
    is,
    ...compared(head, facts.tables),
  }
}

/** `resync`: loads tables again, beside the live ones, while everything else goes on. */

import { beginEpoch, isElsewhere } from '../../capture/slot/new-epoch.ts'
import { consumerName } from '../../compose-targets.ts'
import { openEpochs, openLake, type Lake } from '../../compose.ts'
import type { Config } from '../../config/config.ts'
import { loadConfig } from '../../config/load.ts'
import { fail } from '../../core/errors.ts'
import type { TableId } from '../../core/table.ts'
import { writeRequest } from '../../lake/requests.ts'
import { systemClock } from '../../system-clock.ts'
import { command, CONFIG_FLAG, JSON_FLAG } from '../command.ts'
import { describeEpoch, epochJson } from '../epoch-text.ts'
import { tableIn, targetNames } from '../named.ts'
import { standing } from '../standing.ts'

export const resyncCommand = command({
  name: 'resync',
  summary: 'Load a table again, or all of them, beside the live ones',
  details:
    'Asks for a new load of the table. The running task sees it within seconds, one that is started ' +
    'later at once. The target keeps the table as it is until the new one has caught up, then swaps. ' +
    '`--all` does so for every table. It is also the way out after something was lost: if the slot ' +
    'is gone, given up by the server, or ahead of the lake, it makes a slot and begins a new epoch ' +
    'in the log, in which the next `millrace run` loads all tables. If nothing is lost, nothing is ' +
    'broken off.',
  flags: {
    config: CONFIG_FLAG,
    all: { kind: 'switch', about: 'all tables; also the way out after a loss' },
    target: { kind: 'text', value: 'name', about: 'only for this target', default: null },
    json: JSON_FLAG,
  },
  arguments: { table: { about: 'the table: app.orders', isOptional: true } },

  async run({ config: file, all, target, json, table }, { env, stdout, signal }) {
    if (all === (table !== null)) {
      fail('USAGE', 'name one table, or say --all', { hint: 'see `millrace resync --help`' })
    }
    const { config } = loadConfig(file, env, all ? {} : { optional: ['source.url'] })
    const consumers = targetNames(config, target).map((name) => consumerName(config, name))
    const lake = openLake(config)
    const asked = all
      ? await recovered(config, { lake, signal, consumers })
      : await requested(lake, [await tableIn(lake, table!)], consumers)
    stdout.write(json ? `${JSON.stringify(asked.json)}\n` : asked.text)
    return 0
  },
})

interface Answer {
  readonly text: string
  readonly json: object
}

interface Recovering {
  readonly lake: Lake
  readonly consumers: readonly string[]
  readonly signal: AbortSignal
}

/** What was lost is lost for all targets, so `--target` counts only where nothing is. */
async function recovered(config: Config, { lake, ...rest }: Recovering): Promise<Answer> {
  const { loss, tables } = await standing(config, lake)
  if (loss === null) {
    // What the lake does not know yet is loaded in any case.
    const known = (await lake.reader.recover()).tables
    const there = tables.filter((id) => known.has(id))
    return requested(lake, there, rest.consumers)
  }
  if (isElsewhere(loss)) throw loss
  const begun = await beginEpoch(await openEpochs(config, lake), 'same-server', rest.signal)
  return { text: describeEpoch(begun), json: begun === null ? {} : epochJson(begun) }
}

async function requested(
  { store, reader }: Lake,
  tables: readonly TableId[],
  consumers: readonly string[],
): Promise<Answer> {
  const { n } = await reader.recover()
  const at = new Date(systemClock.now()).toISOString()
  for (const table of tables) {
    for (const consumer of consumers) await writeRequest(store, { consumer, table, after: n, at })
  }
  const which = tables.length === 1 ? tables[0] : `${tables.length} tables`
  return {
    text: `${which} will be loaded again for ${consumers.join(', ')}\n`,
    json: { ...(tables.length === 1 ? { table: tables[0] } : { tables }), consumers, after: n },
  }
}

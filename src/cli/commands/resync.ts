/** `resync`: loads a table again, beside the live one, while everything else goes on. */

import { consumerName, openLake } from '../../compose.ts'
import type { Config } from '../../config/config.ts'
import { loadConfig } from '../../config/load.ts'
import { fail } from '../../core/errors.ts'
import type { TableId } from '../../core/table.ts'
import { writeRequest } from '../../lake/requests.ts'
import { systemClock } from '../../system-clock.ts'
import { command, CONFIG_FLAG, JSON_FLAG } from '../command.ts'

export const resyncCommand = command({
  name: 'resync',
  summary: 'Load a table again, beside the live one',
  details:
    'Asks for a new load of the table. The running task sees it within seconds, one that is started ' +
    'later at once. The target keeps the table as it is until the new one has caught up, then swaps.',
  flags: {
    config: CONFIG_FLAG,
    target: { kind: 'text', value: 'name', about: 'only for this target', default: null },
    json: JSON_FLAG,
  },
  arguments: { table: { about: 'the table: app.orders', isOptional: false } },

  async run({ config: file, target, json, table }, { env, stdout }) {
    const { config } = loadConfig(file, env, { optional: ['source.url'] })
    const { store, reader } = openLake(config)
    const { n, tables } = await reader.recover()
    const id = known([...tables.keys()], table)
    const consumers = targetsOf(config, target).map((name) => consumerName(config, name))
    const at = new Date(systemClock.now()).toISOString()
    for (const consumer of consumers) {
      await writeRequest(store, { consumer, table: id, after: n, at })
    }
    const text = `${table} will be loaded again for ${consumers.join(', ')}\n`
    stdout.write(json ? `${JSON.stringify({ table: id, consumers, after: n })}\n` : text)
    return 0
  },
})

function known(tables: readonly TableId[], table: string): TableId {
  const found = tables.find((id) => id === table)
  return (
    found ?? fail('USAGE', `the lake has no table ${table}`, { hint: 'see `millrace lake ls`' })
  )
}

function targetsOf({ targets }: Config, only: string | null): readonly string[] {
  const names = targets.map(({ name }) => name)
  if (only === null) return names
  if (names.includes(only)) return [only]
  return fail('USAGE', `there is no target ${only}`, { hint: `targets: ${names.join(', ')}` })
}

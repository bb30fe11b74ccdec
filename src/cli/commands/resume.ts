/** `resume`: lets a suspended table go on where it was. */

import { consumerName } from '../../compose-targets.ts'
import { openLake } from '../../compose.ts'
import { loadConfig } from '../../config/load.ts'
import { writeResume } from '../../lake/resumes.ts'
import { systemClock } from '../../system-clock.ts'
import { command, CONFIG_FLAG, JSON_FLAG } from '../command.ts'
import { tableIn, targetNames } from '../named.ts'

export const resumeCommand = command({
  name: 'resume',
  summary: 'Let a suspended table go on where it was',
  details:
    'For a table that was suspended with an error whose cause is gone: a value that the target could ' +
    'not hold, something of yours that stood in the way. It takes up the changes from its own place ' +
    'in the log; nothing is loaded. The running task sees it within seconds, one that is started ' +
    'later at once. If the cause is still there, the table is suspended again. A table that is not ' +
    'suspended is left alone.',
  flags: {
    config: CONFIG_FLAG,
    target: { kind: 'text', value: 'name', about: 'only in this target', default: null },
    json: JSON_FLAG,
  },
  arguments: { table: { about: 'the table: app.orders', isOptional: false } },

  async run({ config: file, target, json, table: name }, { env, stdout }) {
    const { config } = loadConfig(file, env, { optional: ['source.url'] })
    // One that is files has no tables of its own that could be suspended.
    const targets = config.targets.filter(({ type }) => type !== 'dms-files')
    const consumers = targetNames({ targets }, target).map((one) => consumerName(config, one))
    const lake = openLake(config)
    const table = await tableIn(lake, name)
    const at = new Date(systemClock.now()).toISOString()
    for (const consumer of consumers) await writeResume(lake.store, { consumer, table, at })
    const text = `${table} will go on for ${consumers.join(', ')}, if it is suspended there\n`
    stdout.write(json ? `${JSON.stringify({ table, consumers })}\n` : text)
    return 0
  },
})

/** `run`: the task itself, until it is told to stop. */

import { lakeUrlOf } from '../../config/lake-place.ts'
import { loadConfig } from '../../config/load.ts'
import { command, CONFIG_FLAG } from '../command.ts'
import { openSession } from '../run-task.ts'

export const runCommand = command({
  name: 'run',
  summary: 'Replicate until stopped',
  details:
    'Loads what is not loaded, then follows the changes. Ctrl-C, or SIGTERM, writes what was read ' +
    'and ends; the next start goes on from there. A kill at any moment does no harm. Prints a live ' +
    'table on a terminal, JSON lines otherwise.',
  flags: {
    config: CONFIG_FLAG,
    untilCaughtUp: {
      kind: 'switch',
      about: 'end once every target has what the source had at the start',
    },
  },
  arguments: {},

  async run({ config: file, untilCaughtUp }, context) {
    const { config, warnings } = loadConfig(file, context.env)
    await using session = await openSession(config, context)
    const { task, log, url } = session
    for (const warning of warnings) log.warn({ file }, warning)
    for (const { message, cure } of task.warnings) {
      log.warn({ ...(cure !== null && { hint: cure }) }, `source: ${message}`)
    }
    log.info({ lake: lakeUrlOf(config.lake.place), dashboard: url }, 'task started')
    if (url !== null && context.isTerminal) session.print(`dashboard: ${url}\n`)
    if (untilCaughtUp) await task.endWhenCaughtUp()
    const isGood = await task.run(context.signal)
    log.info('task stopped')
    return isGood ? 0 : 1
  },
})

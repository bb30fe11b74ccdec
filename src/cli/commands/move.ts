/** `move`: goes on with another server, from which all tables are loaded again. */

import { beginEpoch, isElsewhere, type NewEpoch } from '../../capture/slot/new-epoch.ts'
import { openEpochs, openLake } from '../../compose.ts'
import { loadConfig } from '../../config/load.ts'
import { fail } from '../../core/errors.ts'
import { forgetExclusions } from '../../lake/exclusions-file.ts'
import { command, CONFIG_FLAG, JSON_FLAG } from '../command.ts'
import { describeEpoch, epochJson } from '../epoch-text.ts'
import { formatCount } from '../format.ts'
import { standing, type Place, type Standing } from '../standing.ts'

export const moveCommand = command({
  name: 'move',
  summary: 'Go on with another server, and load all tables from it',
  details:
    'For a source.url that leads to another server or database than the lake was filled from: a ' +
    'restored copy, a promoted standby that lacks what the lake has, a new server. The lake and the ' +
    'targets stay. A new epoch begins in the log, the next `millrace run` loads all tables, and the ' +
    'targets show the old rows until the new ones are in place. Without --yes it says what would be ' +
    'done, changes nothing, and ends with 3. Stop the task first.',
  flags: {
    config: CONFIG_FLAG,
    yes: { kind: 'switch', about: 'do it' },
    json: JSON_FLAG,
  },
  arguments: {},

  async run({ config: file, yes, json }, { env, stdout, signal }) {
    const { config } = loadConfig(file, env)
    const lake = openLake(config)
    const found = await standing(config, lake)
    requireElsewhere(found)
    if (!yes) {
      stdout.write(
        json ? `${JSON.stringify({ isDone: false, ...planJson(found) })}\n` : plan(found),
      )
      return 3
    }
    if (found.loss?.code === 'SOURCE_CHANGED') await forgetExclusions(lake.store)
    const begun = await beginEpoch(await openEpochs(config, lake), 'another-server', signal)
    stdout.write(json ? `${JSON.stringify(doneJson(begun))}\n` : describeEpoch(begun))
    return 0
  },
})

function requireElsewhere({ loss }: Standing): void {
  if (loss !== null && isElsewhere(loss)) return
  const why = 'the url leads to the server that this lake is filled from'
  if (loss === null) fail('USAGE', `there is nothing to move: ${why}`)
  fail('USAGE', `${why}: ${loss.message}`, { hint: 'run `millrace resync --all`' })
}

function plan(found: Standing): string {
  const { n, was, is, loss, tables, without } = found
  const lines = [
    `from     ${describe(was)}, up to manifest ${formatCount(n)}`,
    `to       ${describe(is)}`,
    `why      ${loss!.code}: ${loss!.message}`,
    `loaded   ${formatCount(tables.length)} tables, again`,
    ...(without.length > 0
      ? [`left     ${without.join(', ')}: not there; the targets keep them`]
      : []),
    '',
    'nothing was changed; do it with: millrace move --yes',
  ]
  return `${lines.join('\n')}\n`
}

function describe({ systemId, database, timeline }: Place): string {
  return `database ${database} of server ${systemId}, timeline ${timeline}`
}

function planJson({ n, was, is, loss, tables, without }: Standing): object {
  return { n, was, is, code: loss!.code, message: loss!.message, tables, without }
}

function doneJson(begun: NewEpoch | null): object {
  return { isDone: begun !== null, ...(begun && epochJson(begun)) }
}

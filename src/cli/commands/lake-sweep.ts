/** `lake sweep`: removes what `lake.keep` no longer keeps, now. */

import { consumerName } from '../../compose-targets.ts'
import { openLake } from '../../compose.ts'
import { loadConfig } from '../../config/load.ts'
import { fail } from '../../core/errors.ts'
import { readLakeOf } from '../../lake/lake-info.ts'
import { deleteRegistration, listRegistrations } from '../../lake/retention/consumers.ts'
import { planSweep, sweep, type SweepPlan, type Swept } from '../../lake/retention/retention.ts'
import { systemClock } from '../../system-clock.ts'
import { command, CONFIG_FLAG, JSON_FLAG } from '../command.ts'
import { formatCount } from '../format.ts'

const SHOWN_HOLDERS = 5

export const lakeSweepCommand = command({
  name: 'lake sweep',
  summary: 'Remove what lake.keep and lake.keepLoads no longer keep',
  details:
    'A task that runs does so by itself, once an hour. Says what keeps the log from being shorter: the ' +
    'consumers, and the newest load of each table. Nothing younger than an hour is removed.',
  flags: {
    config: CONFIG_FLAG,
    dryRun: { kind: 'switch', about: 'only say what would be removed' },
    forget: {
      kind: 'text',
      value: 'consumer',
      about: 'a consumer that is gone for good, such as shop/old: nothing is kept for it any more',
      default: null,
    },
    json: JSON_FLAG,
  },
  arguments: {},

  async run({ config: file, dryRun: isDry, forget, json }, { env, stdout, signal }) {
    const { config } = loadConfig(file, env, { optional: ['source.url'] })
    const { store, reader } = openLake(config)
    await readLakeOf(store, config.task)
    if (forget !== null) {
      const known = (await listRegistrations(store)).map(({ consumer }) => consumer)
      if (!known.includes(forget)) {
        fail('USAGE', `the lake knows no consumer ${forget}`, {
          hint: known.length === 0 ? 'it knows none' : `it knows: ${known.join(', ')}`,
        })
      }
      if (!isDry) await deleteRegistration(store, forget)
    }
    const plan = await planSweep(
      { store, reader },
      {
        rules: config.lake.keep,
        now: systemClock.now(),
        consumers: config.targets
          .map(({ name }) => consumerName(config, name))
          .filter((name) => name !== forget),
      },
    )
    const swept = await sweep({ store, reader }, plan, { isDry, signal })
    const { first, loads } = plan.after
    const result = { isDry, first, loads, ...swept, holders: plan.holders }
    stdout.write(json ? `${JSON.stringify(result)}\n` : describe(plan, swept, isDry))
    return 0
  },
})

function describe({ after, holders }: SweepPlan, swept: Swept, isDry: boolean): string {
  const { manifests, files } = swept
  const verb = isDry ? 'would be removed' : 'were removed'
  const shown = holders.slice(0, SHOWN_HOLDERS).map(({ who, above }) => {
    return `  ${who} needs what lies above manifest ${formatCount(above)}\n`
  })
  const others = holders.length - shown.length
  return [
    `${formatCount(manifests)} manifests and ${formatCount(files)} files ${verb}; `,
    `the log begins at manifest ${formatCount(after.first)}\n`,
    ...shown,
    others > 0 ? `  and ${formatCount(others)} others\n` : '',
  ].join('')
}

/** `doctor`: everything that keeps a task from working, at once, each with what to do about it. */

import { DDL_TRIGGER_SQL } from '../../capture/tables/ddl-trigger.ts'
import { loadConfig } from '../../config/load.ts'
import { command, CONFIG_FLAG, JSON_FLAG } from '../command.ts'
import { examine, type Diagnosis } from '../examine.ts'
import { type Colour, type Paint, painter } from '../paint.ts'

const DDL_TRIGGER_FLAG = {
  kind: 'switch',
  about: 'print the SQL of the optional DDL trigger for the source, and look at nothing',
} as const

export const doctorCommand = command({
  name: 'doctor',
  summary: 'Check that everything a task needs is there',
  details:
    'Looks at the configuration, the source, the lake and the targets, and changes nothing (a lake ' +
    'in a bucket is tried with a few bytes), whether or not the task is running. Says for each thing that is wrong which statement or setting cures ' +
    'it. Ends with 1 if something keeps the task from working, with 3 if there are only warnings.',
  flags: { config: CONFIG_FLAG, json: JSON_FLAG, ddlTrigger: DDL_TRIGGER_FLAG },
  arguments: {},

  async run({ config: file, json, ddlTrigger }, { env, stdout, hasColour }) {
    if (ddlTrigger) {
      stdout.write(DDL_TRIGGER_SQL)
      return 0
    }
    const { config, warnings: mistakes } = loadConfig(file, env)
    const diagnoses = await examine(config, mistakes)
    const errors = diagnoses.filter(({ severity }) => severity === 'error').length
    const warnings = diagnoses.filter(({ severity }) => severity === 'warning').length
    const text = json
      ? `${JSON.stringify({ errors, warnings, checks: diagnoses })}\n`
      : describe(diagnoses, painter(hasColour)) + verdict(errors, warnings)
    stdout.write(text)
    if (errors > 0) return 1
    return warnings > 0 ? 3 : 0
  },
})

const SIGNS: Record<Diagnosis['severity'], readonly [sign: string, colour: Colour]> = {
  ok: ['✓', 'green'],
  warning: ['!', 'yellow'],
  error: ['✗', 'red'],
}

function describe(diagnoses: readonly Diagnosis[], paint: Paint): string {
  const areas = [...new Set(diagnoses.map(({ area }) => area))]
  return areas
    .map((area) => {
      const lines = diagnoses.filter((one) => one.area === area).map((one) => line(one, paint))
      return `${paint('bold', area)}\n${lines.join('')}\n`
    })
    .join('')
}

function line({ severity, code, message, cure }: Diagnosis, paint: Paint): string {
  const [sign, colour] = SIGNS[severity]
  const name = code === null ? '' : `${paint(colour, code)}  `
  const advice = cure === null ? '' : `      what to do: ${cure.replaceAll('\n', '\n      ')}\n`
  return `  ${paint(colour, sign)} ${name}${message.replaceAll('\n', '\n    ')}\n${advice}`
}

function verdict(errors: number, warnings: number): string {
  if (errors + warnings === 0) return 'all is well\n'
  return `${count(errors, 'error')}, ${count(warnings, 'warning')}\n`
}

function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`
}

/** docs/cli.md, from the commands as the parser knows them. */

import { PassThrough } from 'node:stream'

import type { Command as Commander, Option } from 'commander'

import { COMMANDS } from '../../src/cli/commands.ts'
import { buildProgram } from '../../src/cli/program.ts'
import { block, code, page, prose, sentence, table } from './markdown.ts'

const EXIT_CODES = [
  ['0', 'Done.'],
  ['1', 'Failed.'],
  ['2', 'Wrong usage: the words of the command line, or the configuration.'],
  ['3', 'It works, but somebody should look: a table or a target has an error.'],
]

const FAILURES = `A failure is shown on stderr with its code, what happened, what to do, and where to read more:

${block(
  'text',
  `millrace: NOT_RUNNING  nothing answers at http://127.0.0.1:7070: connect ECONNREFUSED 127.0.0.1:7070
  what to do: start it with \`millrace run\`
  see docs/errors.md#not_running`,
)}

With \`--json\` it is \`{"error":{"code","message","hint"}}\` in one line. Colours appear on a terminal only, and never when \`NO_COLOR\` is set.`

export function cliPage(): string {
  const program = buildProgram(COMMANDS, SILENT, () => {})
  const commands = program.commands.flatMap((entry) => leaves(entry, 'millrace'))
  const overview = table(
    ['Command', 'What it does'],
    commands.map(({ name, entry }) => [`[${name}](#${anchor(name)})`, `${entry.summary()}.`]),
  )
  return page('Command line', [
    program.description(),
    overview,
    '## Exit codes',
    table(['Code', 'Meaning'], EXIT_CODES),
    '## Failures',
    FAILURES,
    ...commands.map(section),
  ])
}

const SILENT = {
  stdout: new PassThrough(),
  stderr: new PassThrough(),
  env: {},
  signal: new AbortController().signal,
  isTerminal: false,
  hasColour: false,
  hasErrorColour: false,
}

interface Leaf {
  readonly name: string
  readonly entry: Commander
}

function leaves(entry: Commander, prefix: string): readonly Leaf[] {
  const name = `${prefix} ${entry.name()}`
  if (entry.commands.length === 0) return [{ name, entry }]
  return entry.commands.flatMap((child) => leaves(child, name))
}

function section({ name, entry }: Leaf): string {
  const usage = [name, ...entry.registeredArguments.map(argumentText), '[flags]'].join(' ')
  const parts = [`## ${name}`, prose(entry.description()), block('sh', usage)]
  const rows = [
    ...entry.registeredArguments.map((arg) => [
      code(argumentText(arg)),
      '',
      prose(sentence(arg.description)),
    ]),
    ...entry.options.map(optionRow),
  ]
  if (rows.length > 0) parts.push(table(['Flag', 'Default', 'Meaning'], rows))
  return parts.join('\n\n')
}

function optionRow({ flags, description, defaultValue }: Option): string[] {
  const value: unknown = defaultValue
  const shown = typeof value === 'string' || typeof value === 'number' ? code(String(value)) : ''
  return [code(flags), shown, prose(sentence(description))]
}

function argumentText(arg: Commander['registeredArguments'][number]): string {
  return arg.required ? `<${arg.name()}>` : `[${arg.name()}]`
}

function anchor(name: string): string {
  return name.replaceAll(' ', '-')
}

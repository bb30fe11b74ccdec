/**
 * The command line as a whole: from words to a command, from its outcome to an exit code.
 *
 * Commander takes the words apart and prints help; this file is the only one that knows it. Whatever a
 * command throws ends here, in words for a person or, with `--json`, for a script.
 */

import { Command as Commander, CommanderError, InvalidArgumentError, Option } from 'commander'

import { CodedError } from '../core/errors.ts'
import type { Command, CommandContext, ExitCode, Flag } from './command.ts'
import { exitCodeOf, printError } from './print-error.ts'
import { readVersion } from './version.ts'

/** What the first words of commands such as `lake ls` have in common. */
const GROUPS: Readonly<Record<string, string>> = {
  lake: 'Look into the lake',
}

export async function runProgram(
  commands: readonly Command[],
  words: readonly string[],
  context: CommandContext,
): Promise<ExitCode> {
  let exitCode: ExitCode = 0
  const program = buildProgram(commands, context, (code) => (exitCode = code))
  try {
    await program.parseAsync(words, { from: 'user' })
    return exitCode
  } catch (error) {
    if (isHelp(error)) return 0
    // Who pressed Ctrl-C knows why it ended.
    if (context.signal.aborted && error === context.signal.reason) return 1
    const failure = error instanceof CommanderError ? usageError(error, words) : error
    const style = { hasColour: context.hasErrorColour, isJson: words.includes('--json') }
    context.stderr.write(printError(failure, style))
    return exitCodeOf(failure)
  }
}

/** Also what docs/cli.md is made from. */
export function buildProgram(
  commands: readonly Command[],
  context: CommandContext,
  done: (code: ExitCode) => void,
): Commander {
  const program = prepare(new Commander('millrace'), context)
    .description('Keeps a warehouse and a lake in step with a PostgreSQL database.')
    .usage('<command> [flags]')
    .helpCommand('help [command]', 'show the help of a command')
    .version(readVersion(), '-V, --version', 'show the version')
  const groups = new Map<string, Commander>()
  for (const entry of commands) {
    const words = entry.name.split(' ')
    const name = words.at(-1)!
    const parent = words.length === 1 ? program : groupOf(program, groups, words[0]!)
    const child = prepare(parent.command(name), context).description(describe(entry))
    child.summary(entry.summary)
    addInput(child, entry)
    child.action(async () => done(await entry.run(inputOf(child, entry), context)))
  }
  return program
}

function groupOf(program: Commander, groups: Map<string, Commander>, name: string): Commander {
  const known = groups.get(name)
  if (known) return known
  const group = program
    .command(name)
    .description(GROUPS[name] ?? name)
    .usage('<command> [flags]')
  groups.set(name, group)
  return group
}

function prepare(commander: Commander, { stdout, stderr }: CommandContext): Commander {
  return commander
    .exitOverride()
    .helpCommand(false)
    .helpOption('-h, --help', 'show this help')
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      // Commander asks for this only when no command was given; its errors are printed by us.
      writeErr: (text) => stderr.write(text),
      outputError: () => {},
    })
}

function describe({ summary, details }: Command): string {
  return details === undefined ? `${summary}.` : `${summary}.\n\n${details}`
}

function addInput(child: Commander, { flags, arguments: args }: Command): void {
  for (const [name, { about, isOptional }] of Object.entries(args)) {
    child.argument(isOptional ? `[${name}]` : `<${name}>`, about)
  }
  for (const [name, flag] of Object.entries(flags)) child.addOption(optionOf(name, flag))
}

function optionOf(name: string, flag: Flag): Option {
  const long = `--${kebab(name)}`
  if (flag.kind === 'switch') return new Option(long, flag.about)
  const option = new Option(`${long} <${flag.value}>`, flag.about)
  if (flag.default !== null) option.default(flag.default)
  return flag.kind === 'count' ? option.argParser(parseCount) : option
}

function parseCount(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.')
  return Number(text)
}

function kebab(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

/** Everything that was declared has a value; what was left out is `false` or `null`. */
function inputOf(child: Commander, { flags, arguments: args }: Command): ParsedInput {
  const input: Record<string, string | number | boolean | null> = {}
  const options = child.opts<Record<string, string | number | boolean | undefined>>()
  for (const [name, flag] of Object.entries(flags)) {
    const given = options[attributeOf(name, flag)]
    // `--no-loads` is kept by the parser as `loads`, which it turns off.
    if (flag.kind === 'switch') input[name] = NEGATED.test(name) ? given === false : given === true
    else input[name] = given ?? null
  }
  for (const [i, name] of Object.keys(args).entries()) input[name] = child.args[i] ?? null
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- built from the same declaration
  return input as ParsedInput
}

const NEGATED = /^no[A-Z]/

function attributeOf(name: string, flag: Flag): string {
  return optionOf(name, flag).attributeName()
}

type ParsedInput = Parameters<Command['run']>[0]

function isHelp(error: unknown): boolean {
  return error instanceof CommanderError && error.exitCode === 0
}

function usageError(error: CommanderError, words: readonly string[]): CodedError {
  if (error.code === 'commander.help') {
    return new CodedError('USAGE', 'no command was given', { hint: 'see `millrace --help`' })
  }
  const [message = ''] = error.message.replace(/^error: /, '').split('\n')
  const suggestion = /\(Did you mean (.+?)\?\)/.exec(error.message)?.[1]
  const hint = suggestion
    ? `did you mean ${suggestion}?`
    : `see \`millrace ${error.code === 'commander.unknownCommand' ? '' : commandIn(words)}--help\``
  return new CodedError('USAGE', message, { hint })
}

function commandIn(words: readonly string[]): string {
  const [first, second] = words
  if (first === undefined || first.startsWith('-')) return ''
  const isGroup = Object.hasOwn(GROUPS, first) && second !== undefined && !second.startsWith('-')
  return isGroup ? `${first} ${second} ` : `${first} `
}

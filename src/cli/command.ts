/**
 * What a subcommand is: a plain object, so that it is tested by calling it.
 *
 * Flags and arguments are data. The parser, `--help` and docs/cli.md are made from them, and the
 * input of `run` has their types:
 *
 *   flags: { json: JSON_FLAG, seconds: { kind: 'count', value: 'n', about: '…', default: null } }
 *   run({ json, seconds }, context)      json: boolean, seconds: number | null
 *
 * Each file in `commands/` exports one command; `commands.ts` lists them.
 */

/** 0 done, 1 failed, 2 wrong usage, 3 works but an operator should look. */
export type ExitCode = 0 | 1 | 2 | 3

export interface CommandContext {
  readonly stdout: NodeJS.WritableStream
  readonly stderr: NodeJS.WritableStream
  readonly env: Readonly<Record<string, string | undefined>>
  /** Aborted by Ctrl-C and by SIGTERM. */
  readonly signal: AbortSignal
  /** Whether a person looks at stdout: then it may have colours and move. */
  readonly isTerminal: boolean
  readonly hasColour: boolean
  /** stderr may be a terminal where stdout is not, and the other way round. */
  readonly hasErrorColour: boolean
}

interface SwitchFlag {
  readonly kind: 'switch'
  readonly about: string
}

interface TextFlag {
  readonly kind: 'text'
  /** Names the value in the help: `--config <file>`. */
  readonly value: string
  readonly about: string
  /** `null` if the flag can be left out without a value in its place. */
  readonly default: string | null
}

interface CountFlag {
  readonly kind: 'count'
  readonly value: string
  readonly about: string
  readonly default: number | null
}

export type Flag = SwitchFlag | TextFlag | CountFlag
/** By name in camelCase: `sourceUrl` is `--source-url`. */
export type Flags = Readonly<Record<string, Flag>>

interface Argument {
  readonly about: string
  readonly isOptional: boolean
}

/** By name, in the order of the command line. */
export type Arguments = Readonly<Record<string, Argument>>

type FlagValue<F extends Flag> = F extends SwitchFlag
  ? boolean
  : F extends { readonly kind: 'text'; readonly default: infer D }
    ? D extends null
      ? string | null
      : string
    : F extends { readonly kind: 'count'; readonly default: infer D }
      ? D extends null
        ? number | null
        : number
      : never

type Input<F extends Flags, A extends Arguments> = {
  readonly [name in keyof F]: FlagValue<F[name]>
} & {
  readonly [name in keyof A]: A[name]['isOptional'] extends true ? string | null : string
}

export interface Command<F extends Flags = Flags, A extends Arguments = Arguments> {
  /** One word, or two for a command of a group: `lake ls`. */
  readonly name: string
  /** One line, without a full stop. */
  readonly summary: string
  /** More, for `--help` and the documentation. */
  readonly details?: string
  readonly flags: F
  readonly arguments: A
  run(input: Input<F, A>, context: CommandContext): Promise<ExitCode>
}

/** Keeps the exact types of flags and arguments, which `run` gets its input from. */
export function command<const F extends Flags, const A extends Arguments>(
  definition: Command<F, A>,
): Command<F, A> {
  return definition
}

export const CONFIG_FLAG = {
  kind: 'text',
  value: 'file',
  about: 'the configuration',
  default: 'millrace.yaml',
} as const satisfies Flag

export const JSON_FLAG = {
  kind: 'switch',
  about: 'print JSON, for scripts',
} as const satisfies Flag

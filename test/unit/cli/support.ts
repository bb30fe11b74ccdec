/** A command line without a process: what it writes is kept as text. */

import { Writable } from 'node:stream'

import type { Command, CommandContext, ExitCode } from '../../../src/cli/command.ts'
import { COMMANDS } from '../../../src/cli/commands.ts'
import { runProgram } from '../../../src/cli/program.ts'

export interface Outcome {
  readonly exitCode: ExitCode
  readonly stdout: string
  readonly stderr: string
}

export interface Surroundings {
  readonly commands?: readonly Command[]
  readonly env?: CommandContext['env']
  readonly signal?: AbortSignal
}

export async function millrace(
  words: readonly string[],
  { commands = COMMANDS, env = {}, signal = new AbortController().signal }: Surroundings = {},
): Promise<Outcome> {
  const stdout = new TextStream()
  const stderr = new TextStream()
  const looks = { isTerminal: false, hasColour: false, hasErrorColour: false }
  const exitCode = await runProgram(commands, words, { stdout, stderr, env, signal, ...looks })
  return { exitCode, stdout: stdout.text, stderr: stderr.text }
}

class TextStream extends Writable {
  text = ''

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.text += chunk.toString()
    done()
  }
}

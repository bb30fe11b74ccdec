#!/usr/bin/env node
/** The `millrace` program: the process around `runProgram`. */

import { COMMANDS } from './commands.ts'
import { wantsColour } from './paint.ts'
import { runProgram } from './program.ts'

const stop = new AbortController()

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    // Who asks twice does not want to wait for a clean end. Nothing is lost: a kill does no harm.
    if (stop.signal.aborted) process.exit(1)
    stop.abort()
  })
}

// `millrace lake cat … | head` closes the pipe when it has seen enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})

const isTerminal = process.stdout.isTTY ?? false
process.exitCode = await runProgram(COMMANDS, process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  signal: stop.signal,
  isTerminal,
  hasColour: wantsColour(isTerminal, process.env),
  hasErrorColour: wantsColour(process.stderr.isTTY ?? false, process.env),
})

/**
 * `npm run demo`: makes the clone ready, then runs `millrace demo` with the arguments given.
 *
 * The command is in a group of its own. Otherwise Ctrl-C would reach it up to three times, from the
 * terminal, from npm and from here, and it could not tell that from an impatient user.
 */

import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { join } from 'node:path'

import { ROOT, setup } from './setup.mjs'

setup()

const program = join(ROOT, 'build', 'src', 'cli', 'main.js')
const child = spawn(
  process.execPath,
  ['--enable-source-maps', program, 'demo', ...process.argv.slice(2)],
  { cwd: ROOT, stdio: 'inherit', detached: true },
)

/** One key press arrives from the terminal and from npm. */
const SAME_PRESS_MS = 300

let lastForwarded = -SAME_PRESS_MS
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    if (performance.now() - lastForwarded < SAME_PRESS_MS) return
    lastForwarded = performance.now()
    child.kill(signal)
  })
}

child.on('error', (error) => {
  console.error(error.message)
  process.exit(1)
})
child.on('exit', (code, signal) => {
  process.exit(code ?? 128 + constants.signals[signal])
})

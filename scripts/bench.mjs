/**
 * `npm run bench`: makes the clone ready, then runs the benchmarks with the arguments given.
 *
 *   npm run bench -- --help
 */

import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

import { ROOT, setup } from './setup.mjs'

setup()

const program = join(ROOT, 'build', 'bench', 'main.js')
const { status } = spawnSync(
  process.execPath,
  ['--enable-source-maps', program, ...process.argv.slice(2)],
  { cwd: ROOT, stdio: 'inherit' },
)
process.exitCode = status ?? 1

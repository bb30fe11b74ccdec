/**
 * `npm run test:real`: the tests that need real servers which npm does not carry.
 *
 *   npm run test:real                  all of them
 *   npm run test:real -- real/s3-log   the files whose path has this in it
 *
 * What is missing is built once and kept in the machine's cache. Where it cannot be built, for want
 * of a compiler or of a way to its registry, its tests are skipped, and this says so.
 */

import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

import { ROOT, seconds, setup } from './setup.mjs'

setup()
const skipped = await prepare()
const wanted = process.argv.slice(2)
const words = wanted.length > 0 ? wanted : ['real']
const { status } = spawnSync(process.execPath, [join(ROOT, 'scripts', 'test.mjs'), ...words], {
  cwd: ROOT,
  stdio: 'inherit',
})
for (const line of skipped) console.log(`SKIPPED  ${line}`)
process.exitCode = status ?? 1

/** Resolves to what could not be made ready. */
async function prepare() {
  const start = performance.now()
  process.stdout.write('setup: S3 server (versitygw; some minutes the first time) … ')
  // It exists only after the build.
  const { buildVersitygw } = await import('../build/test/support/versitygw.js')
  const versitygw = await buildVersitygw()
  const isThere = 'program' in versitygw
  console.log(isThere ? seconds(start) : 'skipped')
  return isThere ? [] : [versitygw.missing]
}

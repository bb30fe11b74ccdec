/**
 * `npm run test:versions`: the tests of capture on older versions of PostgreSQL.
 *
 *   npm run test:versions                     on 13, 15 and 17
 *   npm run test:versions -- 14 16            on these
 *   npm run test:versions -- 13 types.test    on 13, the test files whose path has this in it
 *
 * `npm test` has run everything on the newest one. Here run the tests in test/integration which read
 * from a source; those of targets and of the demo say nothing about it. The binaries of a version are
 * fetched once. Where that cannot be done, for want of a way to the registry, the version is skipped,
 * and this says so.
 */

import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'

import { ROOT, seconds, setup } from './setup.mjs'

const VERSIONS = ['13', '15', '17']
const NO_SOURCE = /^(compare|duckdb|embedded|lake-ddl|parquet|redshift|shop)/

process.exitCode = await main(process.argv.slice(2))

async function main(args) {
  setup()
  const named = args.filter((arg) => /^\d+$/.test(arg))
  const versions = named.length > 0 ? named : VERSIONS
  const words = args.filter((arg) => !versions.includes(arg))
  const files = words.length > 0 ? words : captureTests()
  const lines = []
  let isGood = true
  for (const version of versions) {
    const began = performance.now()
    const missing = await whyMissing(version)
    const ok = missing === null && runTests(version, files)
    isGood &&= ok || missing !== null
    const result = missing === null ? (ok ? 'passed ' : 'FAILED ') : 'SKIPPED'
    lines.push(`${result}  PostgreSQL ${version}  ${missing ?? seconds(began)}`)
  }
  console.log(`\n${lines.join('\n')}`)
  return isGood ? 0 : 1
}

/** `null` if the version is there, or could be fetched. */
async function whyMissing(version) {
  // They exist only after the build.
  const { postgresBinaries } = await import('../build/src/demo/postgres-binaries.js')
  const { serverUser } = await import('../build/src/demo/server-user.js')
  try {
    await postgresBinaries(serverUser(), version)
    return null
  } catch (error) {
    return `its package could not be fetched: ${error.message.trim().split('\n')[0]}`
  }
}

function captureTests() {
  return readdirSync(join(ROOT, 'test', 'integration'))
    .filter((name) => name.endsWith('.test.ts') && !NO_SOURCE.test(name))
    .map((name) => `integration/${name}`)
}

function runTests(version, files) {
  console.log(`\nPostgreSQL ${version}`)
  const { TEST_POSTGRES_URL: _, ...env } = process.env
  const { status } = spawnSync(process.execPath, [join(ROOT, 'scripts', 'test.mjs'), ...files], {
    cwd: ROOT,
    env: { ...env, PG_VERSION: version },
    stdio: 'inherit',
  })
  return status === 0
}

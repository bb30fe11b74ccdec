/**
 * `npm test`: makes the clone ready, checks it, and runs all tests, stage by stage.
 *
 *   npm test                        everything
 *   npm test -- unit                one stage: check, architecture, unit, contract, integration, e2e …
 *   npm test -- capture/stream      the test files whose path has this in it
 *
 * SIM_RUNS and SIM_SEED choose the histories of test/simulation.
 *
 * The tests that need PostgreSQL share one embedded server, or the one that TEST_POSTGRES_URL names;
 * PG_VERSION=13 to 18 chooses the version of the embedded one.
 */

import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, sep } from 'node:path'

import { npm, ROOT, seconds, setup } from './setup.mjs'

/** The order of the stages; folders of test/ that are not named come after these. */
const ORDER = ['architecture', 'unit', 'contract', 'simulation', 'integration', 'e2e']
/** Needs servers that npm does not carry, which `npm run test:real` brings up. */
const ONLY_IF_NAMED = new Set(['real'])
const WITHOUT_SERVER = new Set(['architecture', 'unit', 'contract', 'simulation'])

process.exitCode = await main(process.argv.slice(2))

async function main(wanted) {
  const began = performance.now()
  setup()
  const stages = testStages(wanted)
  const isChecked = wanted.length === 0 || wanted.includes('check')
  if (stages.length === 0 && !isChecked) {
    console.error(`no stage and no test file matches: ${wanted.join(' ')}`)
    return 1
  }
  const results = []
  if (isChecked) results.push(runStage('check', npm(['run', '--silent', 'check'])))
  const server = await startServer(stages)
  for (const { name, files } of stages) results.push(runStage(name, testCommand(files)))
  await server?.[Symbol.asyncDispose]()

  console.log()
  for (const { name, ok, time } of results) {
    console.log(`${ok ? 'passed' : 'FAILED'}  ${name.padEnd(14)} ${time.padStart(8)}`)
  }
  const isGood = results.every(({ ok }) => ok)
  console.log(`${isGood ? 'passed' : 'FAILED'}  ${'all'.padEnd(14)} ${seconds(began).padStart(8)}`)
  return isGood ? 0 : 1
}

/** Stages with their compiled files, in order, as far as they are wanted. */
function testStages(wanted) {
  const stages = new Map(ORDER.map((name) => [name, []]))
  for (const path of readdirSync(join(ROOT, 'test'), { recursive: true }).toSorted()) {
    if (!path.endsWith('.test.ts')) continue
    const name = path.includes(sep) ? path.split(sep, 1)[0] : 'architecture'
    const isWanted =
      wanted.length === 0
        ? !ONLY_IF_NAMED.has(name)
        : wanted.some((w) => w === name || matches(path, w))
    if (!isWanted) continue
    if (!stages.has(name)) stages.set(name, [])
    stages.get(name).push(join('build', 'test', path.replace(/\.ts$/, '.js')))
  }
  return [...stages]
    .map(([name, files]) => ({ name, files }))
    .filter(({ files }) => files.length > 0)
}

/** A single word names a stage; only something longer is looked for in paths. */
function matches(path, wanted) {
  return /[/.-]/.test(wanted) && path.replaceAll(sep, '/').includes(wanted.replace(/^test\//, ''))
}

async function startServer(stages) {
  const isNeeded = stages.some(({ name }) => !WITHOUT_SERVER.has(name))
  if (!isNeeded || process.env['TEST_POSTGRES_URL']) return null
  // It exists only after the build.
  const { startEmbeddedPostgres } = await import('../build/src/demo/embedded-server.js')
  const start = performance.now()
  const version = process.env['PG_VERSION']
  const server = await startEmbeddedPostgres({
    dataDir: join(tmpdir(), `millrace-test-${randomBytes(6).toString('hex')}`),
    isThrowaway: true,
    ...(version ? { version } : {}),
  })
  console.log(`setup: PostgreSQL ${server.version} on port ${server.port} … ${seconds(start)}`)
  process.env['TEST_POSTGRES_URL'] = server.url
  return server
}

function testCommand(files) {
  // Who asks for more histories of the simulation has the time.
  const timeout = process.env['SIM_RUNS'] ? [] : ['--test-timeout=300000']
  const flags = ['--test-concurrency=2', '--test-reporter=spec', ...timeout]
  return [process.execPath, '--enable-source-maps', '--test', ...flags, ...files]
}

function runStage(name, [command, ...args]) {
  console.log(`\n${name}`)
  const start = performance.now()
  const { status } = spawnSync(command, args, { cwd: ROOT, stdio: 'inherit' })
  const time = seconds(start)
  console.log(`${name}: ${status === 0 ? 'passed' : 'FAILED'} in ${time}`)
  return { name, ok: status === 0, time }
}

/**
 * Makes a fresh clone ready: dependencies, program, dashboard. What is up to date already is left.
 *
 * Shared by `npm run demo` and `npm test`, which a new user runs before anything is installed; so
 * nothing but Node itself may be used here.
 */

import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)))

const LOCK_STAMP = join(ROOT, 'node_modules', '.millrace-lock')

/** Ends the process with a message if something fails. */
export function setup() {
  requireNode(20, 19)
  if (!isInstalled()) {
    step('installing dependencies (npm ci)', npm(['ci', '--include=dev']))
    writeFileSync(LOCK_STAMP, lockHash())
  }
  step('building', [process.execPath, 'node_modules/typescript/bin/tsc', '-p', '.'])
  if (!isDashboardBuilt()) {
    step('building the dashboard', npm(['run', 'build', '--workspace', 'dashboard']))
  }
}

/** The command line that runs npm: the one that runs us, if we were run by it. */
export function npm(args) {
  const path = process.env['npm_execpath']
  return path?.endsWith('.js') ? [process.execPath, path, ...args] : ['npm', ...args]
}

export function seconds(sinceMs) {
  return `${((performance.now() - sinceMs) / 1000).toFixed(1)} s`
}

function requireNode(major, minor) {
  const [ours, ourMinor] = process.versions.node.split('.').map(Number)
  if (ours > major || (ours === major && ourMinor >= minor)) return
  console.error(`Millrace needs Node ${major}.${minor} or newer; this is ${process.version}.`)
  process.exit(1)
}

/** The stamp holds the hash of the lockfile that was installed. */
function isInstalled() {
  return existsSync(LOCK_STAMP) && readFileSync(LOCK_STAMP, 'utf8') === lockHash()
}

function lockHash() {
  return createHash('sha256')
    .update(readFileSync(join(ROOT, 'package-lock.json')))
    .digest('hex')
}

function isDashboardBuilt() {
  const page = join(ROOT, 'dashboard', 'dist', 'index.html')
  return existsSync(page) && statSync(page).mtimeMs >= newestSource(join(ROOT, 'dashboard'))
}

function newestSource(folder) {
  let newest = statSync(join(ROOT, 'package-lock.json')).mtimeMs
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.name === 'dist' || entry.name === 'node_modules') continue
    const path = join(folder, entry.name)
    newest = Math.max(newest, entry.isDirectory() ? newestSource(path) : statSync(path).mtimeMs)
  }
  return newest
}

/** Runs a command without a word, unless it fails. */
function step(what, [command, ...args]) {
  const start = performance.now()
  process.stdout.write(`setup: ${what} … `)
  const done = spawnSync(command, args, {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  if (done.status === 0) {
    console.log(seconds(start))
    return
  }
  console.log('failed')
  console.error(done.error?.message ?? `${done.stdout}${done.stderr}`)
  process.exit(1)
}

/**
 * Runs the programs of PostgreSQL: `initdb` to its end, and `postgres` until it is ready.
 *
 * Nothing of our environment reaches them but the path, since a PGDATA or PGPORT of the user's
 * would change what they do.
 */

import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { chownSync, closeSync, openSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { fail } from '../core/errors.ts'
import type { Binaries } from './postgres-binaries.ts'
import { readPostmaster } from './postmaster.ts'
import type { ServerUser } from './server-user.ts'

export interface Launch {
  readonly binaries: Binaries
  readonly user: ServerUser | null
  readonly dataDir: string
  readonly settings: Readonly<Record<string, string>>
  readonly port: number
}

const ENVIRONMENT = { PATH: process.env['PATH'] ?? '', LC_ALL: 'C', TZ: 'UTC' }

export function initdb(
  { folder }: Binaries,
  user: ServerUser | null,
  args: readonly string[],
): void {
  const done = spawnSync(join(folder, 'bin', 'initdb'), args, {
    ...user,
    cwd: '/',
    env: ENVIRONMENT,
    encoding: 'utf8',
  })
  if (done.status !== 0) {
    const why = done.error?.message ?? lastLine(done.stderr)
    fail('TARGET_FAILED', `initdb could not make a database: ${why}`, { cause: done.error })
  }
}

/** Resolves once the server takes connections. It is in a group of its own, and does not keep us alive. */
export async function startPostgres(launch: Launch): Promise<ChildProcess> {
  const { binaries, user, dataDir, port, settings } = launch
  const log = join(dataDir, 'server.log')
  const file = openSync(log, 'a', 0o600)
  if (user) chownSync(log, user.uid, user.gid)
  const from = statSync(log).size
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const args = ['-D', dataDir, '-p', String(port), ...flags]
  const child = spawn(join(binaries.folder, 'bin', 'postgres'), args, {
    ...user,
    cwd: '/',
    env: ENVIRONMENT,
    detached: true,
    stdio: ['ignore', file, file],
  })
  closeSync(file)
  await untilReady({ child, launch, log: () => readFileSync(log).subarray(from).toString() })
  child.unref()
  return child
}

const READY_SECONDS = 120

interface Start {
  readonly child: ChildProcess
  readonly launch: Launch
  /** What the server has said since it was started. */
  readonly log: () => string
}

async function untilReady({ child, launch, log }: Start): Promise<void> {
  let failure: Error | null = null
  child.once('error', (error) => (failure = error))
  // Recovery after a crash may take long; its end is the state in the server's own note.
  for (let i = 0; i < READY_SECONDS * 50; i++) {
    if (failure !== null || child.exitCode !== null || child.signalCode !== null) {
      return notStarted(launch, log(), failure)
    }
    const noted = readPostmaster(launch.dataDir)
    if (noted !== null && noted.pid === child.pid && noted.isReady) return
    await sleep(20)
  }
  child.kill('SIGQUIT')
  fail('TARGET_FAILED', `PostgreSQL was not ready after ${READY_SECONDS} s: ${lastFatal(log())}`)
}

function notStarted({ port }: Launch, log: string, cause: Error | null): never {
  // The server's exit code is 1 for everything; what it says is in English, as LC_ALL is C.
  if (/could not bind .*: Address (already )?in use/.test(log)) {
    fail('PORT_IN_USE', `port ${port} is taken by another process`, {
      hint: 'end that process, or choose another port',
    })
  }
  fail('TARGET_FAILED', `PostgreSQL did not start: ${lastFatal(log)}`, { cause })
}

function lastFatal(log: string): string {
  const fatal = log.split('\n').findLast((line) => /FATAL|PANIC/.test(line))
  return fatal ?? lastLine(log)
}

function lastLine(text: string | null): string {
  return text?.trim().split('\n').at(-1) ?? 'it could not be run'
}

/**
 * A real PostgreSQL, started by us from the binaries of an npm package.
 *
 *   await using server = await startEmbeddedPostgres({ dataDir: './demo/postgres' })
 *
 * Starting on a folder that has data continues it. The server listens on the loopback address only,
 * asks for a password that was made for it, and is ready for logical replication. It never outlives
 * us: see `guard.ts`.
 */

import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

import { hasCode } from '../core/errors.ts'
import { openDataFolder, placeOf } from './data-folder.ts'
import { freePort } from './free-port.ts'
import { startGuard, type Guard } from './guard.ts'
import { postgresBinaries } from './postgres-binaries.ts'
import { startPostgres, type Launch } from './postgres-process.ts'
import { vacate } from './postmaster.ts'
import { serverUser } from './server-user.ts'

export interface EmbeddedOptions {
  readonly dataDir: string
  /** 0, or left out: a free one. */
  readonly port?: number
  /** Added to ours, or in their place: `{ wal_sender_timeout: '2s' }`. */
  readonly settings?: Readonly<Record<string, string>>
  /** A major version, `13` to `18`; left out, the one that is installed. */
  readonly version?: string
  /** Fast and not durable; the data is removed when the server is disposed of, or we die. */
  readonly isThrowaway?: boolean
}

export interface EmbeddedPostgres extends AsyncDisposable {
  /** Of the superuser, to the database `postgres`. */
  readonly url: string
  readonly port: number
  /** Where the data is: not as asked if the server's user cannot enter there. */
  readonly dataDir: string
  readonly isRelocated: boolean
  readonly version: string
  /** `fast` ends sessions and writes a checkpoint; `immediate` is a crash. Stopping twice is no error. */
  stop(mode: 'fast' | 'immediate'): Promise<void>
}

export async function startEmbeddedPostgres(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const user = serverUser()
  const binaries = await postgresBinaries(user, options.version ?? null)
  const place = await placeOf(options.dataDir, user)
  const isThrowaway = options.isThrowaway ?? false
  const password = await openDataFolder({ place: place.dataDir, binaries, user, isThrowaway })
  await vacate(place.dataDir)

  const settings = { ...baseSettings(isThrowaway), ...options.settings }
  const launch = { binaries, user, dataDir: place.dataDir, settings }
  const { child, port } = await startOnPort(launch, options.port ?? 0)
  const guard = startGuard(child.pid!, place.dataDir, isThrowaway)
  const stop = (mode: 'fast' | 'immediate') => stopServer(child, guard, mode)
  return {
    ...place,
    port,
    version: binaries.version,
    url: `postgres://postgres:${password}@127.0.0.1:${port}/postgres`,
    stop,
    async [Symbol.asyncDispose]() {
      await stop(isThrowaway ? 'immediate' : 'fast')
      if (isThrowaway) await rm(place.dataDir, { recursive: true, force: true, maxRetries: 3 })
    },
  }
}

/** Where the data of a server for `dataDir` is kept, whether or not there is any yet. */
export async function embeddedDataDir(dataDir: string): Promise<string> {
  return (await placeOf(dataDir, serverUser())).dataDir
}

function baseSettings(isThrowaway: boolean): Record<string, string> {
  return {
    listen_addresses: '127.0.0.1',
    // No sockets in the file system: their paths have to be short, and their locks can be stale.
    unix_socket_directories: '',
    wal_level: 'logical',
    max_wal_senders: '50',
    max_replication_slots: '50',
    max_connections: '200',
    timezone: 'UTC',
    ...(isThrowaway ? { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' } : {}),
  }
}

const PORT_ATTEMPTS = 5

async function startOnPort(
  launch: Omit<Launch, 'port'>,
  wanted: number,
): Promise<{ child: ChildProcess; port: number }> {
  for (let attempt = 1; ; attempt++) {
    const port = wanted === 0 ? await freePort() : wanted
    try {
      return { child: await startPostgres({ ...launch, port }), port }
    } catch (error) {
      // Somebody else may have taken the free port before the server did.
      const mayRetry = wanted === 0 && attempt < PORT_ATTEMPTS && hasCode(error, 'PORT_IN_USE')
      if (!mayRetry) throw error
    }
  }
}

/** A fast stop waits for whoever still reads the log; after this it is an immediate one. */
const FAST_STOP_MS = 5_000

async function stopServer(
  child: ChildProcess,
  guard: Guard,
  mode: 'fast' | 'immediate',
): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    child.ref()
    const exited = once(child, 'exit')
    child.kill(mode === 'fast' ? 'SIGINT' : 'SIGQUIT')
    const patience = new AbortController()
    const late = sleep(FAST_STOP_MS, 'late', { signal: patience.signal }).catch(() => 'exited')
    if ((await Promise.race([exited, late])) === 'late') child.kill('SIGQUIT')
    await exited
    patience.abort()
  }
  guard.dismiss()
}

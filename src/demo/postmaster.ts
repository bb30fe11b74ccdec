/**
 * The server that already uses a data folder, if there is one.
 *
 * PostgreSQL notes its process in `postmaster.pid`. After a crash of the machine or the end of a
 * container that note is stale, and its number may belong to anything by now, which PostgreSQL takes
 * for a running server. After a SIGKILL of ours the server may still be there. So the note is believed
 * only if the process it names works in this very folder: such a server is stopped, any other note is
 * removed.
 */

import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, readlinkSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { fail } from '../core/errors.ts'

export interface Postmaster {
  readonly pid: number
  readonly isReady: boolean
}

/** Line 1 is the process, line 8 its state. */
export function readPostmaster(dataDir: string): Postmaster | null {
  const file = pidFile(dataDir)
  if (!existsSync(file)) return null
  const lines = readFileSync(file, 'utf8').split('\n')
  const pid = Number(lines[0])
  return Number.isInteger(pid) && pid > 1 ? { pid, isReady: lines[7]?.trim() === 'ready' } : null
}

/** Leaves the folder without a server and without a note of one. */
export async function vacate(dataDir: string): Promise<void> {
  const old = readPostmaster(dataDir)
  if (old !== null && worksIn(old.pid, dataDir)) await stopProcess(old.pid, dataDir)
  await rm(pidFile(dataDir), { force: true })
}

function pidFile(dataDir: string): string {
  return join(dataDir, 'postmaster.pid')
}

const PATIENCE: readonly [NodeJS.Signals, seconds: number][] = [
  ['SIGINT', 5],
  ['SIGQUIT', 5],
  ['SIGKILL', 5],
]

async function stopProcess(pid: number, dataDir: string): Promise<void> {
  for (const [signal, seconds] of PATIENCE) {
    process.kill(pid, signal)
    for (let i = 0; i < seconds * 40; i++) {
      if (!worksIn(pid, dataDir)) return
      await sleep(25)
    }
  }
  fail('TARGET_LOCKED', `process ${pid} uses ${dataDir} and does not end`, {
    hint: `end it with: kill -9 ${pid}`,
  })
}

/** Whether the process lives and is the server of this folder: a server works inside of its folder. */
function worksIn(pid: number, dataDir: string): boolean {
  try {
    if (process.platform === 'linux') return readlinkSync(`/proc/${pid}/cwd`) === dataDir
    return execFileSync('ps', ['-p', String(pid), '-o', 'command='], {
      encoding: 'utf8',
    }).includes(dataDir)
  } catch {
    return false
  }
}

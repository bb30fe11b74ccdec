/**
 * The programs that we are measured against, each run as a process from beginning to end.
 *
 * PostgreSQL's own clients are taken where the machine has them; else small readers of ours that do
 * the same and no more (`children/`).
 */

import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

import { endedChildrenCpuSeconds, peakRss } from './usage.ts'

const LOOK_EVERY_MS = 20

export interface Floor {
  readonly name: string
  readonly command: readonly string[]
}

export interface FloorUse {
  readonly seconds: number
  readonly cpuSeconds: number | null
  readonly peakRss: number | null
  /** What it printed. */
  readonly output: string
}

/** Runs it to its end; its output is thrown away beyond the first line. Only one at a time. */
export async function runFloor({ name, command }: Floor, isOutputKept: boolean): Promise<FloorUse> {
  const cpuBefore = endedChildrenCpuSeconds()
  const startedAt = performance.now()
  const child = spawn(command[0]!, command.slice(1), {
    stdio: ['ignore', isOutputKept ? 'pipe' : 'ignore', 'inherit'],
  })
  let output = ''
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()))
  let peak: number | null = null
  const looking = setInterval(() => (peak = peakRss(child.pid!) ?? peak), LOOK_EVERY_MS)
  const [code] = (await once(child, 'close')) as [number | null]
  const seconds = (performance.now() - startedAt) / 1000
  clearInterval(looking)
  if (code !== 0) throw new Error(`${name} ended with ${code}`)
  const cpuAfter = endedChildrenCpuSeconds()
  const cpu = cpuBefore === null || cpuAfter === null ? null : cpuAfter - cpuBefore
  return { seconds, cpuSeconds: cpu, peakRss: peak, output }
}

export function isOnPath(program: string): boolean {
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0
}

/** The command line of one of our own readers. */
export function ownReader(name: string, ...args: readonly string[]): readonly string[] {
  return [process.execPath, fileURLToPath(new URL(`children/${name}.js`, import.meta.url)), ...args]
}

/** Reads a slot into a file until the log is beyond `end`. */
export function streamFloor(read: {
  readonly url: string
  readonly slot: string
  readonly publication: string
  readonly end: string
  readonly file: string
}): Floor {
  const { url, slot, publication, end, file } = read
  if (!isOnPath('pg_recvlogical')) {
    return {
      name: 'our raw reader of the stream',
      command: ownReader('read-slot', url, slot, publication, end, file),
    }
  }
  const options = ['-o', 'proto_version=1', '-o', `publication_names=${publication}`]
  const command = ['pg_recvlogical', '-d', url, '-S', slot, '--start', '-n', '-E', end, '-f', file]
  return { name: 'pg_recvlogical -f FILE', command: [...command, ...options] }
}

/** Copies a table to nowhere over one connection. */
export function copyFloor(url: string, table: string): Floor {
  const sql = `COPY ${table} TO STDOUT`
  if (!isOnPath('psql')) {
    return { name: `our raw reader of ${sql}`, command: ownReader('read-copy', url, sql) }
  }
  return { name: `psql -c '${sql}' > /dev/null`, command: ['psql', '-X', '-d', url, '-c', sql] }
}

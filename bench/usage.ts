/**
 * What a process has used, as Linux tells it in /proc. Elsewhere everything is `null`.
 *
 * https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
 */

import { readFileSync } from 'node:fs'

/** CLK_TCK: what /proc counts in, whatever the kernel's own tick. */
const TICKS_PER_SECOND = 100

/** Places in /proc/<pid>/stat behind the name of the process, which may hold anything. */
const USER = 11
const SYSTEM = 12
const CHILDREN_USER = 13
const CHILDREN_SYSTEM = 14

/** User and system time of a process that lives, in seconds. */
export function cpuSeconds(pid: number): number | null {
  return ticks(pid, USER, SYSTEM)
}

/** The same of all children of ours that have ended: what one used is the difference over its end. */
export function endedChildrenCpuSeconds(): number | null {
  return ticks(process.pid, CHILDREN_USER, CHILDREN_SYSTEM)
}

/** The most memory that a process has held so far, in bytes. */
export function peakRss(pid: number): number | null {
  return memory(pid, /^VmHWM:\s+(\d+) kB$/m)
}

/** The memory that a process holds now, in bytes. */
export function currentRss(pid: number): number | null {
  return memory(pid, /^VmRSS:\s+(\d+) kB$/m)
}

function memory(pid: number, line: RegExp): number | null {
  const [, kilobytes] = line.exec(read(`/proc/${pid}/status`)) ?? []
  return kilobytes === undefined ? null : Number(kilobytes) * 1024
}

function ticks(pid: number, ...places: number[]): number | null {
  const stat = read(`/proc/${pid}/stat`)
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  let sum = 0
  for (const place of places) sum += Number(fields[place])
  return Number.isNaN(sum) ? null : sum / TICKS_PER_SECOND
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

/**
 * `millrace run` as a process of its own, from the compiled program, watched from outside.
 *
 * What it costs is read from the system, and how far it got from its log lines and its lake.
 */

import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import { cpuSeconds, peakRss } from './usage.ts'

const PROGRAM = fileURLToPath(new URL('../src/cli/main.js', import.meta.url))
export const PROGRAM_COMMAND: readonly string[] = [process.execPath, PROGRAM]

/** A load of the largest table takes a few minutes. */
const PATIENCE_MS = 600_000

export interface MillraceOptions {
  /** Holds the configuration, the lake and the files of targets. */
  readonly folder: string
  readonly url: string
  readonly load?: 'cdc' | 'full-load-and-cdc'
  readonly slot: string
  readonly publication?: string
  readonly tables: readonly string[]
  readonly lake: object
  readonly targets?: object
  /** End by itself when everything has what the source has now. */
  readonly untilCaughtUp?: boolean
  readonly profiles: string | null
}

export interface Usage {
  readonly cpuSeconds: number | null
  readonly peakRss: number | null
}

export class MillraceProcess implements AsyncDisposable {
  /** When it was started, as performance.now() counts. */
  readonly startedAt: number
  readonly #child: ChildProcess
  readonly #exited: Promise<unknown>
  readonly #seen = new Map<string, number>()
  readonly #lines: string[] = []
  #usage: Usage = { cpuSeconds: null, peakRss: null }
  #wake: () => void = () => {}

  private constructor(child: ChildProcess) {
    this.startedAt = performance.now()
    this.#child = child
    this.#exited = once(child, 'exit').then(() => this.#wake())
    for (const stream of [child.stdout!, child.stderr!]) {
      createInterface(stream).on('line', (line) => this.#hear(line))
    }
  }

  static async start(options: MillraceOptions): Promise<MillraceProcess> {
    const file = join(options.folder, 'millrace.yaml')
    await writeFile(file, JSON.stringify(configuration(options))) // JSON is YAML
    const flags =
      options.profiles === null ? [] : ['--cpu-prof', `--cpu-prof-dir=${options.profiles}`]
    const run = ['run', '--config', file, ...(options.untilCaughtUp ? ['--until-caught-up'] : [])]
    const child = spawn(process.execPath, [...flags, PROGRAM, ...run], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, BENCH_SOURCE_URL: options.url },
    })
    return new MillraceProcess(child)
  }

  get pid(): number {
    return this.#child.pid!
  }

  /** What it has used so far; when it has ended, what was seen last. */
  usage(): Usage {
    const cpu = cpuSeconds(this.pid)
    if (cpu !== null) this.#usage = { cpuSeconds: cpu, peakRss: peakRss(this.pid) }
    return this.#usage
  }

  /** Resolves to when a log line with this message came first. Rejects if the process ends before. */
  async logged(message: string): Promise<number> {
    for (;;) {
      const at = this.#seen.get(message)
      if (at !== undefined) return at
      if (!this.isRunning()) throw new Error(`millrace ended without a line "${message}"`)
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  /** Takes note of what it has used. Throws what it said last if it has failed. */
  isRunning(): boolean {
    this.usage()
    const { exitCode, signalCode } = this.#child
    if (exitCode === null && signalCode === null) return true
    if (exitCode === 0) return false
    const said = this.#lines.slice(-5).join('\n')
    throw new Error(`millrace ended (${exitCode ?? signalCode}):\n${said}`)
  }

  /** Resolves when it has ended by itself, in good order. Rejects if it hangs at its end. */
  async ended(): Promise<void> {
    const patience = new AbortController()
    const late = sleep(PATIENCE_MS, 'late', { signal: patience.signal }).catch(() => null)
    const isLate = (await Promise.race([this.#exited, late])) === 'late'
    patience.abort()
    if (isLate) {
      await this.kill('SIGKILL')
      throw new Error(`millrace did not end within ${PATIENCE_MS / 1000} s`)
    }
    this.isRunning()
  }

  async kill(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    this.#child.kill(signal)
    await this.#exited
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await this.kill('SIGTERM')
  }

  #hear(line: string): void {
    this.#lines.push(line)
    if (this.#lines.length > 20) this.#lines.shift()
    const [, message] = /"(?:message|msg)":"([^"]*)"/.exec(line) ?? []
    if (message !== undefined && !this.#seen.has(message)) {
      this.#seen.set(message, performance.now())
    }
    this.#wake()
  }
}

/** From the start of its one target until that has all there is, and ends with the process. */
export async function applied(millrace: MillraceProcess): Promise<Usage & { seconds: number }> {
  const beganAt = await millrace.logged('target began to apply')
  const before = millrace.usage()
  const appliedAt = await millrace.logged('target stopped')
  const used = usedSince(before, millrace.usage())
  await millrace.ended()
  return { seconds: (appliedAt - beganAt) / 1000, ...used }
}

/** What was used between two looks. */
export function usedSince({ cpuSeconds: before }: Usage, now: Usage): Usage {
  const isKnown = before !== null && now.cpuSeconds !== null
  return { ...now, cpuSeconds: isKnown ? now.cpuSeconds - before : null }
}

function configuration(options: MillraceOptions): object {
  const { load, slot, publication, tables, lake, targets } = options
  return {
    task: 'bench',
    load: load ?? 'cdc',
    source: { url: 'env:BENCH_SOURCE_URL', tables, slot, ...(publication && { publication }) },
    lake: { url: './lake', ...lake },
    targets: targets ?? {},
    server: null,
  }
}

/**
 * The program as its users have it: a process of its own, seen through its output and its exit code.
 *
 *   await using child = startCli(['run', '--config', file])
 *   await child.line('capture began to stream')
 *   const { code } = await child.end('SIGINT')
 *
 * It is the compiled program if the test is compiled, else the source. A process that is still there
 * when the block ends, or when we exit, is killed.
 */

import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const IS_SOURCE = import.meta.url.endsWith('.ts')
const MAIN = fileURLToPath(
  new URL(`../../../src/cli/main.${IS_SOURCE ? 'ts' : 'js'}`, import.meta.url),
)
const NODE_FLAGS = IS_SOURCE ? ['--import', import.meta.resolve('tsx')] : ['--enable-source-maps']

export type LogLine = Readonly<Record<string, unknown>> & { readonly message: string }

export interface Ended {
  /** `null` if a signal ended it. */
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface CliOptions {
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
  /** Runs it as another user, which only root can. */
  readonly user?: { readonly uid: number; readonly gid: number } | null
}

export interface CliProcess extends AsyncDisposable {
  readonly pid: number
  readonly ended: Promise<Ended>
  /** The log lines so far. */
  readonly lines: readonly LogLine[]
  /**
   * The first log line with this message, or one of these, from the `from`th line on, now or as soon
   * as it comes. Rejects, with all that the process said, if it ends without.
   */
  line(message: string | readonly string[], from?: number): Promise<LogLine>
  /** Sends the signal and waits for the end. */
  end(signal: NodeJS.Signals): Promise<Ended>
}

const alive = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of alive) child.kill('SIGKILL')
})

/** Runs a command to its end. */
export function runCli(words: readonly string[], options: CliOptions = {}): Promise<Ended> {
  return startCli(words, options).ended
}

export function startCli(words: readonly string[], options: CliOptions = {}): CliProcess {
  const { cwd, env, user } = options
  const stdio: StdioOptions = ['ignore', 'pipe', 'pipe']
  const child = spawn(process.execPath, [...NODE_FLAGS, MAIN, ...words], {
    stdio,
    cwd: cwd ?? '/',
    env: { ...process.env, ...env },
    ...user,
  })
  return new Watched(child)
}

class Watched implements CliProcess {
  readonly pid: number
  readonly ended: Promise<Ended>
  readonly lines: LogLine[] = []
  readonly #child: ChildProcess
  readonly #waiting = new Set<() => void>()
  #stdout = ''
  #stderr = ''
  #unread = ''
  #isEnded = false

  constructor(child: ChildProcess) {
    this.#child = child
    this.pid = child.pid!
    alive.add(child)
    child.stdout!.setEncoding('utf8').on('data', (text: string) => this.#read(text))
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text))
    this.ended = new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code, signal) => {
        alive.delete(child)
        this.#isEnded = true
        this.#wake()
        resolve({ code, signal, stdout: this.#stdout, stderr: this.#stderr })
      })
    })
  }

  async line(message: string | readonly string[], from = 0): Promise<LogLine> {
    for (;;) {
      const found = this.lines.slice(from).find((line) => [message].flat().includes(line.message))
      if (found !== undefined) return found
      if (this.#isEnded) {
        throw new Error(
          `it ended without "${[message].flat().join('", "')}": ${this.#stderr}${this.#stdout}`,
        )
      }
      await new Promise<void>((resolve) => this.#waiting.add(resolve))
    }
  }

  async end(signal: NodeJS.Signals): Promise<Ended> {
    this.#child.kill(signal)
    return this.ended
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isEnded) await this.end('SIGKILL')
  }

  #read(text: string): void {
    this.#stdout += text
    const lines = (this.#unread + text).split('\n')
    this.#unread = lines.pop()!
    for (const line of lines) {
      if (line.startsWith('{')) this.lines.push(JSON.parse(line) as LogLine)
    }
    this.#wake()
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve()
    this.#waiting.clear()
  }
}

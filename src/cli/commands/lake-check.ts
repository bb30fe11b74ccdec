/** `lake check`: walks the whole log and says what is not as it should be. */

import { openLake } from '../../compose.ts'
import { loadConfig } from '../../config/load.ts'
import { formatBytes } from '../../core/quantity.ts'
import type { CheckProgress } from '../../lake/check/check-entries.ts'
import { checkLake } from '../../lake/check/check.ts'
import type { Finding } from '../../lake/check/finding.ts'
import { readLakeInfo } from '../../lake/lake-info.ts'
import { systemClock } from '../../system-clock.ts'
import { command, CONFIG_FLAG, JSON_FLAG } from '../command.ts'
import { formatCount } from '../format.ts'
import { painter, type Paint } from '../paint.ts'

const DRAW_EVERY_MS = 200
const CLEAR_LINE = '\r\u001b[K'

export const lakeCheckCommand = command({
  name: 'lake check',
  summary: 'Read the whole lake and say what is wrong with it',
  details:
    'Reads every manifest and every data file that is kept: numbers without a gap, hashes, counts, ' +
    'order, loads, roll-ups, and files that nobody names. Writes nothing, and may run beside the task. ' +
    'Prints a line for each finding, with what to do, and ends with 3 if there is one.',
  flags: { config: CONFIG_FLAG, json: JSON_FLAG },
  arguments: {},

  async run({ config: file, json }, { env, stdout, stderr, isTerminal, hasColour, signal }) {
    const { config } = loadConfig(file, env, { optional: ['source.url'] })
    const { store } = openLake(config)
    await readLakeInfo(store)
    const told: CheckProgress = { manifests: 0, files: 0, bytes: 0 }
    const progress = new Progress(told, isTerminal && !json ? stderr : null)
    const paint = painter(hasColour)
    let count = 0
    try {
      for await (const finding of checkLake(store, told)) {
        signal.throwIfAborted()
        progress.clear()
        count++
        stdout.write(json ? `${JSON.stringify(finding)}\n` : line(finding, paint))
      }
    } finally {
      progress.close()
    }
    if (json) stdout.write(`${JSON.stringify({ findings: count, ...told })}\n`)
    else stdout.write(`${verdict(count)}: ${describe(told)}\n`)
    return count > 0 ? 3 : 0
  },
})

function line({ code, file, message, cure }: Finding, paint: Paint): string {
  return `${paint('yellow', code)}  ${file}: ${message}  (what to do: ${cure})\n`
}

function verdict(count: number): string {
  if (count === 0) return 'nothing is wrong'
  return count === 1 ? '1 finding' : `${formatCount(count)} findings`
}

function describe({ manifests, files, bytes }: CheckProgress): string {
  return `${formatCount(manifests)} manifests and ${formatCount(files)} files with ${formatBytes(bytes)} were read`
}

/** One line on a terminal, drawn again and again. */
class Progress {
  readonly #out: NodeJS.WritableStream | null
  readonly #stop = new AbortController()

  constructor(told: CheckProgress, out: NodeJS.WritableStream | null) {
    this.#out = out
    if (out !== null) void this.#draw(told, out)
  }

  clear(): void {
    this.#out?.write(CLEAR_LINE)
  }

  close(): void {
    this.#stop.abort()
    this.clear()
  }

  async #draw(told: CheckProgress, out: NodeJS.WritableStream): Promise<void> {
    for (;;) {
      await systemClock.sleep(DRAW_EVERY_MS, this.#stop.signal)
      if (this.#stop.signal.aborted) return
      out.write(`${CLEAR_LINE}${describe(told)}`)
    }
  }
}

/**
 * A task in this process, with what belongs around it: log, metrics, server, and the live table on a
 * terminal. `run` and `demo` are thin layers over it.
 */

import { join } from 'node:path'

import { openTask, type Task } from '../compose.ts'
import type { Config } from '../config/config.ts'
import type { Emit } from '../core/events.ts'
import { logEvents } from '../observe/log-events.ts'
import { createLog, type Log } from '../observe/log.ts'
import { Metrics } from '../observe/metrics.ts'
import { createApp } from '../server/app.ts'
import { startServer, type RunningServer } from '../server/serve.ts'
import { systemClock } from '../system-clock.ts'
import type { Statistics } from '../task/statistics.ts'
import type { CommandContext } from './command.ts'
import { LiveTable } from './live-table.ts'
import { packageRoot } from './package-root.ts'
import { painter } from './paint.ts'

export interface TaskSession extends AsyncDisposable {
  readonly task: Task
  readonly log: Log
  /** Where the dashboard is; `null` without a server. */
  readonly url: string | null
  /** Writes something that stays on the screen. */
  print(text: string): void
  /** The table is drawn for the last time; what is printed later stands below it. */
  settle(): void
}

const DRAW_EVERY_MS = 250
const TICK_EVERY_MS = 1000

/** Opens everything; nothing runs before `task.run` is called. */
export async function openSession(config: Config, context: CommandContext): Promise<TaskSession> {
  const { stdout, isTerminal, hasColour } = context
  const screen = isTerminal ? liveTable(context) : null
  const print = (text: string): void => void (screen ? screen.print(text) : stdout.write(text))
  const { log, lines } = createLog({
    out: { write: print },
    isPretty: isTerminal,
    hasColour,
    // On a terminal the table tells what goes well.
    level: isTerminal ? 'warn' : 'info',
    base: { task: config.task },
  })
  const listeners: Emit[] = [logEvents(log, () => systemClock.now())]
  const emit: Emit = (event) => listeners.forEach((listen) => listen(event))
  const served: { server: RunningServer | null } = { server: null }
  // A port that is taken is a mistake of the set-up: nothing shall be made then.
  const ready = async (statistics: Statistics): Promise<void> => {
    const metrics = new Metrics({ view: () => statistics.view(), includeProcess: true })
    listeners.push((event) => metrics.apply(event))
    const logs = lines.since.bind(lines)
    served.server = await serve(config, { statistics, metrics, logs })
  }
  const task = await openTask(config, emit, ready).catch(async (error: unknown) => {
    await served.server?.close()
    throw error
  })
  const { server } = served
  const ticking = setInterval(() => task.statistics.tick(), TICK_EVERY_MS)
  const drawing = screen && setInterval(() => screen.draw(task.statistics.view()), DRAW_EVERY_MS)
  const settle = (): void => {
    if (drawing) clearInterval(drawing)
    screen?.settle(task.statistics.view())
  }
  return {
    task,
    log,
    url: server?.url ?? null,
    print,
    settle,
    async [Symbol.asyncDispose]() {
      clearInterval(ticking)
      settle()
      await server?.close()
      await task[Symbol.asyncDispose]()
    },
  }
}

interface Served {
  readonly statistics: Statistics
  readonly metrics: Metrics
  readonly logs: Parameters<typeof createApp>[0]['logs']
}

async function serve(config: Config, served: Served): Promise<RunningServer | null> {
  if (config.server === null) return null
  const { statistics, metrics, logs } = served
  const app = createApp({
    view: () => statistics.view(),
    history: () => statistics.history(),
    logs,
    metrics,
    dashboardDir: join(packageRoot(), 'dashboard', 'dist'),
    token: config.server.token,
  })
  return startServer(app, config.server)
}

function liveTable({ hasColour }: CommandContext): LiveTable {
  const { stdout } = process
  return new LiveTable(() => ({
    out: stdout,
    paint: painter(hasColour),
    rows: stdout.rows ?? 40,
    columns: stdout.columns ?? 120,
  }))
}

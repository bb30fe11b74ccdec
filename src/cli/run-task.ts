/**
 * A task in this process, with what belongs around it: log, metrics, server, and the live table on a
 * terminal. `run` and `demo` are thin layers over it.
 */

import { join } from 'node:path'

import { openTask, type Task } from '../compose.ts'
import type { Config } from '../config/config.ts'
import type { TaskEvent } from '../core/events.ts'
import { logEvents } from '../observe/log-events.ts'
import { createLog, type Log } from '../observe/log.ts'
import { Metrics } from '../observe/metrics.ts'
import { createApp } from '../server/app.ts'
import { startServer, type RunningServer } from '../server/serve.ts'
import { systemClock } from '../system-clock.ts'
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
  const listeners: ((event: TaskEvent) => void)[] = [logEvents(log, () => systemClock.now())]
  const task = await openTask(config, (event) => listeners.forEach((listen) => listen(event)))
  const metrics = new Metrics({ view: () => task.statistics.view(), includeProcess: true })
  listeners.push((event) => metrics.apply(event))
  const server = await serve(config, { task, metrics, logs: (since) => lines.since(since) })
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
  readonly task: Task
  readonly metrics: Metrics
  readonly logs: Parameters<typeof createApp>[0]['logs']
}

/** A port that is taken is a mistake of the set-up: nothing shall run then. */
async function serve(config: Config, served: Served): Promise<RunningServer | null> {
  if (config.server === null) return null
  const { task, metrics, logs } = served
  const app = createApp({
    view: () => task.statistics.view(),
    history: () => task.statistics.history(),
    logs,
    metrics,
    dashboardDir: join(packageRoot(), 'dashboard', 'dist'),
    token: config.server.token,
  })
  try {
    return await startServer(app, config.server)
  } catch (error) {
    await task[Symbol.asyncDispose]()
    throw error
  }
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

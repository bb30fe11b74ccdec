/**
 * Millrace as a library: what the command line is made of.
 *
 *   const { config } = loadConfig('millrace.yaml', process.env)
 *   await using task = await openTask(config, (event) => …)
 *   await task.run(signal)
 */

export { openTask, type Task } from './compose.ts'
export type { Config } from './config/config.ts'
export { loadConfig } from './config/load.ts'
export { CodedError, type ErrorCode } from './core/errors.ts'
export type { Emit, TaskEvent } from './core/events.ts'
export type { TaskView } from './task/view.ts'

/**
 * Asks the running task how it is, over the HTTP of its server.
 *
 * Nothing else is read: not the lake, not the source. What a task is doing is known by the task alone.
 */

import type { Config, ServerConfig } from '../config/config.ts'
import { loadConfig } from '../config/load.ts'
import { CodedError, fail } from '../core/errors.ts'
import type { TaskView } from '../task/view.ts'
import type { CommandContext } from './command.ts'

const ANSWER_WITHIN_MS = 5000

/** Fails with NOT_RUNNING, TOKEN_REFUSED, or what `loadConfig` fails with. */
export async function askTask(file: string, { env, signal }: CommandContext): Promise<TaskView> {
  // The password of the source may not be at hand here, and nobody needs it.
  const { config } = loadConfig(file, env, { optional: ['source.url'] })
  const server =
    config.server ??
    fail('NOT_RUNNING', `${file} has no server that could be asked`, {
      hint: 'set server.listen in the configuration and start the task again',
    })
  const view = await readStatus(server, signal)
  return checked(view, config, addressOf(server))
}

async function readStatus(server: ServerConfig, signal: AbortSignal): Promise<unknown> {
  const address = addressOf(server)
  const headers = server.token === null ? {} : { authorization: `Bearer ${server.token}` }
  const limit = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_WITHIN_MS)])
  try {
    const response = await fetch(`${address}/api/status`, { headers, signal: limit })
    if (response.status === 401) return fail('TOKEN_REFUSED', `${address} refuses our token`)
    if (response.ok) return await response.json()
    return fail('NOT_RUNNING', `${address} answers with HTTP ${response.status}`)
  } catch (error) {
    if (error instanceof CodedError || signal.aborted) throw error
    const { cause } = error instanceof TypeError ? error : { cause: error }
    throw new CodedError('NOT_RUNNING', `nothing answers at ${address}`, { cause })
  }
}

function checked(view: unknown, { task }: Config, address: string): TaskView {
  if (typeof view !== 'object' || view === null || !('task' in view)) {
    return fail('NOT_RUNNING', `what answers at ${address} is not Millrace`, {
      hint: 'compare server.listen with that of the running task',
    })
  }
  if (view.task !== task) {
    return fail('NOT_RUNNING', `at ${address} runs the task ${String(view.task)}, not ${task}`, {
      hint: 'give each task a port of its own in server.listen',
    })
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own server, of this version
  return view as TaskView
}

/** Where to connect to: a server that listens on every interface is asked on this machine. */
function addressOf({ host, port }: ServerConfig): string {
  if (host === '0.0.0.0') return `http://127.0.0.1:${port}`
  if (host === '::') return `http://[::1]:${port}`
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}

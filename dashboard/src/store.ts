/**
 * What the page knows, and the loop that keeps it new.
 *
 * Once a second the status is read, and of history and log only what is newer than what we have. The
 * page never writes anything but the token, which lives as long as the tab.
 */

import { signal } from '@preact/signals'

import type { HistoryPoint, LogLine, TaskView } from '../../src/task/view.ts'

export type Connection = 'connecting' | 'live' | 'lost' | 'locked'

export const connection = signal<Connection>('connecting')
export const view = signal<TaskView | null>(null)
export const history = signal<readonly HistoryPoint[]>([])
export const lines = signal<readonly LogLine[]>([])

const EVERY_MS = 1000
const POINTS_KEPT = 15 * 60
const LINES_KEPT = 500
const TOKEN = 'millrace-token'

/** Runs as long as the page does. */
export async function poll(): Promise<never> {
  for (;;) {
    // Behind a lock only a token helps, and `useToken` asks with it at once.
    if (connection.value !== 'locked') await refresh()
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS))
  }
}

/** A token was tried, and the server does not know it. */
export const isTokenRefused = signal(false)

export function useToken(token: string): void {
  sessionStorage.setItem(TOKEN, token)
  void refresh()
}

async function refresh(): Promise<void> {
  try {
    const status = await get<TaskView>('status')
    // Another start: what we have belongs to an earlier run.
    if (status.startedAt !== view.value?.startedAt) forget()
    const [points, newLines] = await Promise.all([
      get<HistoryPoint[]>(`history?since=${history.value.at(-1)?.at ?? 0}`),
      get<LogLine[]>(`logs?since=${lines.value.at(-1)?.seq ?? 0}`),
    ])
    view.value = status
    if (points.length > 0) history.value = [...history.value, ...points].slice(-POINTS_KEPT)
    if (newLines.length > 0) lines.value = [...lines.value, ...newLines].slice(-LINES_KEPT)
    connection.value = 'live'
  } catch (error) {
    const isLocked = error instanceof TokenWanted
    connection.value = isLocked ? 'locked' : 'lost'
    isTokenRefused.value = isLocked && sessionStorage.getItem(TOKEN) !== null
  }
}

function forget(): void {
  history.value = []
  lines.value = []
}

class TokenWanted extends Error {}

async function get<T>(path: string): Promise<T> {
  const token = sessionStorage.getItem(TOKEN)
  const headers: HeadersInit = token === null ? {} : { Authorization: `Bearer ${token}` }
  const response = await fetch(`./api/${path}`, { headers, signal: AbortSignal.timeout(5000) })
  if (response.status === 401) throw new TokenWanted()
  if (!response.ok) throw new Error(`the server answered ${response.status}`)
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- server and page share the types
  return (await response.json()) as T
}

/** `/api`: what the dashboard and the typed client read. */

import { zValidator } from '@hono/zod-validator'
import { Hono } from 'hono'
import { z } from 'zod'

import type { HistoryPoint, LogLine, TaskView } from '../task/view.ts'

export interface ApiParts {
  readonly view: () => TaskView
  /** Oldest first. */
  readonly history: () => readonly HistoryPoint[]
  /** Lines with a `seq` above the given one, oldest first. */
  readonly logs: (since: number) => readonly LogLine[]
}

/** Only what is newer: a reader that asks every second gets a line or two. */
const since = zValidator('query', z.object({ since: z.coerce.number().optional() }))

export function apiRoutes({ view, history, logs }: ApiParts) {
  return new Hono()
    .get('/status', (c) => c.json(view()))
    .get('/history', since, (c) => {
      const from = c.req.valid('query').since ?? 0
      return c.json(history().filter(({ at }) => at > from))
    })
    .get('/logs', since, (c) => c.json(logs(c.req.valid('query').since ?? 0)))
}

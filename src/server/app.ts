/**
 * The HTTP application: health, metrics, the API, and the dashboard's files.
 *
 *   /healthz   200 while the process lives
 *   /readyz    200 while the task runs, else 503 and the reason
 *   /metrics   for Prometheus
 *   /api/*     for the dashboard, the CLI and whoever likes JSON
 *   /          the dashboard
 *
 * It only reads. With a token, everything that says something about the task asks for it; `/healthz`
 * and the files of the dashboard do not, since a browser must load the page that asks for the token.
 * The page may load nothing from anywhere else, and the headers see to it.
 */

import { Hono } from 'hono'
import { secureHeaders } from 'hono/secure-headers'

import type { TaskView } from '../task/view.ts'
import { type ApiParts, apiRoutes } from './api.ts'
import { readPage, servePage } from './page.ts'
import { requireToken } from './token.ts'

export interface AppParts extends ApiParts {
  readonly metrics: { text(): Promise<string>; readonly contentType: string }
  /** The built dashboard; `null` to have none. */
  readonly dashboardDir: string | null
  /** `null` lets everybody in: only for a server on loopback. */
  readonly token: string | null
}

/** What the typed client is made of: `hc<Api>(url)`. */
export type Api = ReturnType<typeof createApp>

export function createApp(parts: AppParts) {
  const { view, metrics, dashboardDir, token } = parts
  const guard = requireToken(token)
  const page = readPage(dashboardDir)
  const app = new Hono()
  app.use(secureHeaders(HEADERS))
  app.notFound((c) => c.json({ error: `there is nothing at ${c.req.path}` }, 404))
  app.onError((error, c) => c.json({ error: error.message }, 500))
  return app
    .get('/healthz', (c) => c.json({ isAlive: true }))
    .use('/readyz', guard)
    .use('/metrics', guard)
    .use('/api/*', guard)
    .get('/readyz', (c) => {
      const { isReady, reason } = readiness(view())
      return isReady ? c.json({ isReady, reason }) : c.json({ isReady, reason }, 503)
    })
    .get('/metrics', async (c) =>
      c.body(await metrics.text(), 200, { 'Content-Type': metrics.contentType }),
    )
    .route('/api', apiRoutes(parts))
    .get('/*', servePage(page))
}

function readiness({ state, sentence, error }: TaskView): { isReady: boolean; reason: string } {
  if (state === 'running') return { isReady: true, reason: sentence }
  const cause = error === null ? '' : `: ${error.code}: ${error.message}`
  return { isReady: false, reason: `${sentence}${cause}` }
}

const HEADERS: Parameters<typeof secureHeaders>[0] = {
  contentSecurityPolicy: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'"],
    imgSrc: ["'self'", 'data:'],
    connectSrc: ["'self'"],
    baseUri: ["'none'"],
    formAction: ["'self'"],
    frameAncestors: ["'none'"],
  },
  xFrameOptions: 'DENY',
  referrerPolicy: 'no-referrer',
  // We speak plain HTTP; whether there is TLS before us is not for us to say.
  strictTransportSecurity: false,
}

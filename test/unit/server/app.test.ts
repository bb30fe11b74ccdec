import assert from 'node:assert/strict'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'

import { hc } from 'hono/client'

import { CodedError, hasCode } from '../../../src/core/errors.ts'
import { type Api, createApp } from '../../../src/server/app.ts'
import { startServer } from '../../../src/server/serve.ts'
import { Statistics } from '../../../src/task/statistics.ts'
import type { HistoryPoint, LogLine } from '../../../src/task/view.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

const dashboardDir = temporaryFolder('dashboard')
mkdirSync(join(dashboardDir, 'assets'))
writeFileSync(join(dashboardDir, 'index.html'), '<!doctype html><title>Millrace</title>')
writeFileSync(join(dashboardDir, 'assets', 'index-abc.js'), 'export {}')
writeFileSync(join(dashboardDir, 'notes.txt'), 'not a file of the page')
after(() => rmSync(dashboardDir, { recursive: true }))

const points: HistoryPoint[] = [1000, 2000, 3000].map((at) => ({
  at,
  rowsPerSecond: at,
  bytesPerSecond: 0,
  captureLagSeconds: null,
  targets: { warehouse: 1 },
}))
const lines: LogLine[] = [1, 2, 3].map((seq) => ({
  seq,
  at: seq,
  level: 'info',
  message: `line ${seq}`,
  fields: {},
}))

function start({ token = null as string | null } = {}) {
  const statistics = new Statistics({
    task: 'shop',
    now: () => 5000,
    load: 'full-load-and-cdc',
    lakeUrl: './lake',
    targets: [],
  })
  const app = createApp({
    view: () => statistics.view(),
    history: () => points,
    logs: (since) => lines.filter(({ seq }) => seq > since),
    metrics: {
      text: () => Promise.resolve('millrace_lake_head 0\n'),
      contentType: 'text/plain; version=0.0.4',
    },
    dashboardDir,
    token,
  })
  const get = async (path: string, headers: Record<string, string> = {}): Promise<Response> =>
    app.request(path, { headers })
  return { app, get, statistics }
}

describe('health', () => {
  test('says that the process lives, whatever the task does', async () => {
    const { get, statistics } = start()
    statistics.transition('failed')
    assert.equal((await get('/healthz')).status, 200)
  })

  test('says that the task is ready only while it runs, and why not', async () => {
    const { get, statistics } = start()
    const early = await get('/readyz')
    assert.deepEqual(
      [early.status, await early.json()],
      [503, { isReady: false, reason: 'Starting' }],
    )
    statistics.transition('started')
    assert.equal((await get('/readyz')).status, 200)
    statistics.transition('failed', new CodedError('SLOT_LOST', 'the slot is gone'))
    const late = await get('/readyz')
    const reason = 'Failed: SLOT_LOST: the slot is gone'
    assert.deepEqual([late.status, await late.json()], [503, { isReady: false, reason }])
  })
})

describe('the API', () => {
  test('is read by a typed client', async () => {
    const { app, statistics } = start()
    const client = hc<Api>('http://local', { fetch: app.request })
    const response = await client.api.status.$get()
    assert.equal(response.status, 200)
    assert.deepEqual(await response.json(), statistics.view())
  })

  test('gives only what is newer', async () => {
    const { app } = start()
    const client = hc<Api>('http://local', { fetch: app.request })
    const history = await client.api.history.$get({ query: { since: '2000' } })
    const logs = await client.api.logs.$get({ query: { since: '1' } })
    assert.deepEqual(await history.json(), points.slice(2))
    assert.deepEqual(await logs.json(), lines.slice(1))
  })

  test('gives everything when nothing is said', async () => {
    const { get } = start()
    assert.deepEqual(await (await get('/api/history')).json(), points)
    assert.deepEqual(await (await get('/api/logs')).json(), lines)
  })

  test('refuses what is not a number', async () => {
    const { get } = start()
    assert.equal((await get('/api/logs?since=yesterday')).status, 400)
  })
})

test('metrics come with the content type that Prometheus wants', async () => {
  const { get } = start()
  const response = await get('/metrics')
  assert.equal(response.headers.get('Content-Type'), 'text/plain; version=0.0.4')
  assert.match(await response.text(), /millrace_lake_head/)
})

describe('the token', () => {
  const cases: [string, string | null, number][] = [
    // path, Authorization, status
    ['/healthz', null, 200],
    ['/', null, 200],
    ['/assets/index-abc.js', null, 200],
    ['/readyz', null, 401],
    ['/metrics', null, 401],
    ['/api/status', null, 401],
    ['/api/nothing', null, 401],
    ['/api/status', 'Bearer wrong', 401],
    ['/api/status', 'Bearer', 401],
    ['/api/status', 'Basic secret', 401],
    ['/api/status', 'secret', 401],
    ['/api/status', 'Bearer secret', 200],
    ['/api/status', 'bearer secret', 200],
    ['/metrics', 'Bearer secret', 200],
  ]
  for (const [path, authorization, status] of cases) {
    test(`${path} with "${authorization ?? 'nothing'}" is ${status}`, async () => {
      const { get } = start({ token: 'secret' })
      const response = await get(
        path,
        authorization === null ? {} : { Authorization: authorization },
      )
      assert.equal(response.status, status)
      if (status === 401) assert.match(response.headers.get('WWW-Authenticate') ?? '', /^Bearer/)
    })
  }
})

describe('the page', () => {
  test('may load nothing from other hosts, and be framed by nobody', async () => {
    const { get } = start()
    const response = await get('/')
    assert.equal(response.headers.get('Content-Type'), 'text/html; charset=utf-8')
    const policy = response.headers.get('Content-Security-Policy') ?? ''
    assert.match(policy, /default-src 'none'/)
    assert.match(policy, /frame-ancestors 'none'/)
    assert.doesNotMatch(policy, /https?:|unsafe|\*/)
    assert.equal(response.headers.get('X-Content-Type-Options'), 'nosniff')
  })

  test('is asked for again each time, its hashed files never', async () => {
    const { get } = start()
    assert.equal((await get('/')).headers.get('Cache-Control'), 'no-cache')
    assert.match(
      (await get('/assets/index-abc.js')).headers.get('Cache-Control') ?? '',
      /immutable/,
    )
  })

  for (const path of [
    '/nothing',
    '/notes.txt',
    '/assets',
    '/../package.json',
    '/%2e%2e/package.json',
    '/api/nothing',
  ]) {
    test(`has nothing at ${path}`, async () => {
      const { get } = start()
      const response = await get(path)
      assert.equal(response.status, 404)
      assert.match(((await response.json()) as { error: string }).error, /there is nothing at/)
    })
  }
})

describe('a server', () => {
  const app = { fetch: () => new Response('here') }

  test('listens on a free port and ends at once, open connections included', async () => {
    const server = await startServer(app, { host: '127.0.0.1', port: 0 })
    assert.equal(await (await fetch(server.url)).text(), 'here')
    await server.close()
    await assert.rejects(fetch(server.url))
  })

  test('says PORT_IN_USE and what to do when another one is there', async () => {
    const first = await startServer(app, { host: '127.0.0.1', port: 0 })
    const port = Number(new URL(first.url).port)
    await assert.rejects(startServer(app, { host: '127.0.0.1', port }), (error) => {
      assert.ok(hasCode(error, 'PORT_IN_USE'))
      assert.equal(error.message, `cannot listen on 127.0.0.1:${port}`)
      return true
    })
    await first.close()
  })

  test('says CONFIG_INVALID for an address that is not of this machine', async () => {
    await assert.rejects(startServer(app, { host: '192.0.2.1', port: 0 }), (error) =>
      hasCode(error, 'CONFIG_INVALID'),
    )
  })
})

/**
 * The built dashboard in a real browser, over the real server, on a task whose events are made up.
 *
 * It needs `npm run build --workspace dashboard`, and Chromium at /usr/bin/chromium or where
 * CHROMIUM_PATH says. Without a browser it is skipped, and says so.
 */

import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type TestContext, test } from 'node:test'

import { type BrowserContext, chromium, type Page } from 'playwright-core'

import { CodedError } from '../../src/core/errors.ts'
import type { Emit } from '../../src/core/events.ts'
import { logEvents } from '../../src/observe/log-events.ts'
import { createLog } from '../../src/observe/log.ts'
import { Metrics } from '../../src/observe/metrics.ts'
import { createApp } from '../../src/server/app.ts'
import { type RunningServer, startServer } from '../../src/server/serve.ts'
import { Statistics } from '../../src/task/statistics.ts'
import { applied, changes, loadEnd, ORDERS, USERS, written } from '../unit/task/events.ts'

const CHROMIUM = process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium'
const DASHBOARD = resolve('dashboard/dist')
const skip = existsSync(CHROMIUM) ? false : `no browser at ${CHROMIUM}: the dashboard is not tested`

/** Quiet: it asks nobody on the network for anything. */
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

test('the dashboard shows a load, then changes, and moves', { skip }, async (t) => {
  const task = await startTask(t)
  const { page, trouble } = await openBrowser(t)
  await page.goto(task.server.url)

  await waitForText(page, 'h1', 'Full load in progress, replication ongoing')
  await waitForText(page, `tr[data-table="${ORDERS}"]`, 'Full load')
  const progress = page.locator(`tr[data-table="${ORDERS}"] progress`)
  assert.equal(await progress.getAttribute('value'), '60')
  assert.equal(await progress.getAttribute('max'), '120')
  assert.equal(await page.locator('tbody tr').count(), 2)

  task.finishLoad()
  await waitForText(page, 'h1', 'Load complete, replication ongoing')
  await waitForText(page, `tr[data-table="${ORDERS}"]`, 'Table completed')
  await waitForText(page, `tr[data-table="${USERS}"]`, '1,234')
  await waitForText(page, '.target', 'at manifest')
  await waitForText(page, '.log', 'load ended')

  await assertChartsMove(page)
  assert.equal(await page.locator('.banner').count(), 0)

  task.emit({
    type: 'target-state',
    target: 'warehouse',
    state: 'retrying',
    error: new CodedError('TARGET_LOCKED', 'warehouse.duckdb is open elsewhere'),
  })
  await waitForText(page, '.banner', 'TARGET_LOCKED')
  await waitForText(page, '.banner', 'close the other program')
  assert.deepEqual(trouble(task.server.url), [])
})

test('the dashboard fits a narrow screen, in the dark too', { skip }, async (t) => {
  const task = await startTask(t)
  const { page, trouble } = await openBrowser(t)
  await page.setViewportSize({ width: 400, height: 800 })
  await page.emulateMedia({ colorScheme: 'dark' })
  await page.goto(task.server.url)
  await waitForText(page, `tr[data-table="${ORDERS}"]`, 'Full load')
  assert.equal(await page.evaluate('document.documentElement.scrollWidth'), 400)
  const rows = await page.getByRole('row').count()
  assert.equal(rows, 3, 'rows are still rows for a screen reader')
  assert.deepEqual(trouble(task.server.url), [])
})

test(
  'the dashboard asks for the token, and says when the connection is lost',
  { skip },
  async (t) => {
    const task = await startTask(t, 'secret')
    const { page } = await openBrowser(t)
    await page.goto(task.server.url)
    await page.getByLabel('Token').fill('wrong')
    await page.getByRole('button', { name: 'Open' }).click()
    await waitForText(page, '[role=alert]', 'does not know this token')
    await page.getByLabel('Token').fill('secret')
    await page.getByRole('button', { name: 'Open' }).click()
    await waitForText(page, 'h1', 'Full load in progress')
    await page.reload()
    await waitForText(page, 'h1', 'Full load in progress')
    await task.server.close()
    await waitForText(page, '.hero', 'Connection lost')
  },
)

interface FakeTask {
  readonly server: RunningServer
  readonly emit: Emit
  readonly finishLoad: () => void
}

/** A task with two tables, one of them half loaded, on a port. */
async function startTask(t: TestContext, token: string | null = null): Promise<FakeTask> {
  assert.ok(existsSync(DASHBOARD), 'run `npm run build --workspace dashboard` first')
  const now = (): number => Date.now()
  const statistics = new Statistics({
    task: 'shop',
    now,
    load: 'full-load-and-cdc',
    source: 'shop on 127.0.0.1:5432',
    lakeUrl: './lake',
    targets: [{ name: 'warehouse', type: 'duckdb' }],
  })
  const metrics = new Metrics({ view: () => statistics.view() })
  const { log, lines } = createLog({ out: { write: () => true }, isPretty: false, level: 'info' })
  const writeLine = logEvents(log, now)
  const emit: Emit = (event) => {
    statistics.apply(event)
    metrics.apply(event)
    writeLine(event)
  }
  const app = createApp({
    view: () => statistics.view(),
    history: () => statistics.history(),
    logs: (since) => lines.since(since),
    metrics,
    dashboardDir: DASHBOARD,
    token,
  })
  const server = await startServer(app, { host: '127.0.0.1', port: 0 })
  const ticks = setInterval(() => statistics.tick(), 200)
  t.after(async () => {
    clearInterval(ticks)
    await server.close().catch(() => {}) // a test may have closed it
  })

  statistics.seed([{ table: USERS, loadedRows: 1234, isComplete: true }])
  statistics.transition('started')
  beginLoad(emit)
  return { server, emit, finishLoad: () => finishLoad(emit) }
}

function beginLoad(emit: Emit): void {
  emit({ type: 'capture-state', state: 'loading', error: null })
  emit({ type: 'target-state', target: 'warehouse', state: 'running', error: null })
  emit(applied(0, Date.now()))
  emit({ type: 'load-planned', table: ORDERS, estimatedRows: 120, estimatedBytes: 1200 })
  emit({ type: 'load-began', table: ORDERS, isReload: false, estimatedRows: 120 })
  emit({ type: 'load-progress', table: ORDERS, rows: 60, bytes: 600 })
}

function finishLoad(emit: Emit): void {
  const now = Date.now()
  emit({ type: 'load-ended', table: ORDERS, rows: 120, bytes: 1200, seconds: 1 })
  emit(written(1, now, { entries: [loadEnd(ORDERS, 120)] }))
  emit(written(2, now, { entries: [changes(USERS, { i: 5 })], latencyMs: 300 }))
  emit({ type: 'capture-state', state: 'streaming', error: null })
  emit(applied(2, now, 5))
}

/** `trouble` is whatever a careful person would see in the developer tools. */
async function openBrowser(t: TestContext) {
  const profile = mkdtempSync(join(tmpdir(), 'millrace-browser-'))
  const context: BrowserContext = await chromium.launchPersistentContext(profile, {
    executablePath: CHROMIUM,
    headless: true,
    args: FLAGS,
  })
  t.after(async () => {
    await context.close()
    rmSync(profile, { recursive: true, force: true })
  })
  const page = await context.newPage()
  page.setDefaultTimeout(15_000)
  const said: string[] = []
  const asked: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') said.push(message.text())
  })
  page.on('pageerror', (error) => said.push(error.message))
  page.on('request', (request) => asked.push(request.url()))
  const trouble = (url: string): string[] => {
    const elsewhere = asked.filter((request) => !request.startsWith(`${url}/`))
    return [...said, ...elsewhere.map((request) => `asked for ${request}`)]
  }
  return { page, trouble }
}

async function waitForText(page: Page, selector: string, text: string): Promise<void> {
  await page.locator(selector).filter({ hasText: text }).first().waitFor()
}

/** Each chart has a canvas with something on it, and gets more points. */
async function assertChartsMove(page: Page): Promise<void> {
  const charts = page.locator('.chart')
  assert.equal(await charts.locator('canvas').count(), 2)
  const before = await page.evaluate<number>(POINTS)
  assert.ok(before > 0)
  // The page draws one answer before it asks for the next.
  for (let answers = 0; answers < 3; answers++) {
    await page.waitForResponse((response) => response.url().includes('/api/history'))
  }
  assert.ok((await page.evaluate<number>(POINTS)) >= before + 5)
  assert.equal(await page.evaluate(PAINTED), true)
}

const POINTS = `Math.min(...[...document.querySelectorAll('.chart')].map((c) => Number(c.dataset.points)))`
const PAINTED = `[...document.querySelectorAll('.chart canvas')].every((canvas) => {
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
  return data.some((value) => value !== 0)
})`

/** `status` and `tables`, against a server that answers as a running task does. */

import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { join } from 'node:path'
import { describe, test } from 'node:test'

import type { TableView, TaskView } from '../../../../src/task/view.ts'
import { temporaryFolder } from '../../../support/temporary-folder.ts'
import { millrace } from '../support.ts'

const orders: TableView = {
  table: 'app.orders',
  state: 'Table completed',
  loadedRows: 120_000,
  loadedBytes: 67_108_864,
  estimatedRows: 119_000,
  loadRowsPerSecond: 50_000,
  loadSecondsLeft: null,
  inserts: 1234,
  updates: 56,
  deletes: 7,
  truncates: 0,
  ddls: 1,
  lastChangeAt: 1000,
  error: null,
}

const view: TaskView = {
  task: 'shop',
  source: 'shop on db.example:5432',
  state: 'running',
  sentence: 'Load complete, replication ongoing',
  startedAt: 1000,
  at: 201_000,
  error: null,
  capture: {
    state: 'streaming',
    error: null,
    lagBytes: 2048,
    lagSeconds: 0.25,
    flushSeconds: 0.01,
    warnings: [],
  },
  lake: { url: '/lake', head: 1042, rows: 121_297, bytes: 7_340_032, files: 31, lastManifestAt: 1 },
  tables: [
    orders,
    {
      ...orders,
      table: 'app.users',
      state: 'Full load',
      loadedRows: 57,
      estimatedRows: 100,
      loadSecondsLeft: 95,
    },
  ],
  targets: [
    {
      name: 'warehouse',
      type: 'duckdb',
      state: 'running',
      n: 1040,
      behind: 2,
      lagSeconds: 1.5,
      appliedRows: 120_000,
      appliedChanges: 1297,
      stragglers: [],
      error: null,
    },
  ],
  rates: { rowsPerSecond: 12_300, bytesPerSecond: 1_048_576 },
}

const failure = { code: 'VALUE_UNFIT', message: 'NaN in app.orders.total', hint: 'set a policy' }

/** A server for one test, and a configuration that names it. */
async function serve(answer: RequestListener, token?: string) {
  const server = createServer(answer)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0
  const close = async (): Promise<void> => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  const lines = token === undefined ? '' : `\n  token: ${token}`
  const config = configuration(`\n  listen: 127.0.0.1:${port}${lines}`)
  return { port, config, close, [Symbol.asyncDispose]: close }
}

function configuration(server: string): string {
  const file = join(temporaryFolder('status'), 'millrace.yaml')
  const text = `task: shop\nsource: { url: env:NOT_HERE }\nlake: { url: ./lake }\nserver:${server}\n`
  writeFileSync(file, text)
  return file
}

function saying(body: unknown): RequestListener {
  return (request, response) => {
    response.statusCode = request.url === '/api/status' ? 200 : 404
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(body))
  }
}

describe('status', () => {
  test('says in a few lines how the task is', async () => {
    await using server = await serve(saying(view))
    const { exitCode, stdout, stderr } = await millrace(['status', '--config', server.config])
    assert.equal(stderr, '')
    assert.equal(
      stdout,
      `task         shop
state        Load complete, replication ongoing
source       shop on db.example:5432
running for  3 min 20 s
capture      streaming, lag 250 ms, 2.0 KiB of WAL kept for us
lake         /lake, manifest 1,042
written      121,297 rows, 7.0 MiB, 31 files
now          12,300 rows/s, 1.0 MiB/s
tables       2: 1 Table completed, 1 Full load

TARGET     TYPE    STATE    MANIFEST  BEHIND    LAG  CHANGES
warehouse  duckdb  running     1,040       2  1.5 s    1,297
`,
    )
    assert.equal(exitCode, 0)
  })

  const rates: [where: string, usdPerDay: number | null, price: string][] = [
    ['in a bucket', 0.2078, ', about 0.21 USD'],
    ['in a folder', null, ''],
  ]
  for (const [where, usdPerDay, price] of rates) {
    test(`says what the requests to a lake ${where} come to in a day`, async () => {
      const requests = { putsPerDay: 34_560, getsPerDay: 86_400, listsPerDay: 60, usdPerDay }
      await using server = await serve(saying({ ...view, lake: { ...view.lake, requests } }))
      const { stdout } = await millrace(['status', '--config', server.config])
      assert.ok(
        stdout.includes(`\nrequests     about 34,560 PUT, 86,400 GET and 60 LIST a day${price}\n`),
        stdout,
      )
    })
  }

  test('gives scripts the whole view', async () => {
    await using server = await serve(saying(view))
    const { stdout } = await millrace(['status', '--config', server.config, '--json'])
    assert.deepEqual(JSON.parse(stdout), view)
  })

  const target = view.targets[0]!
  const straggler = { table: 'app.orders', state: 'suspended', rows: 0, error: failure } as const
  const troubles: readonly (readonly [string, Partial<TaskView>])[] = [
    ['the task', { state: 'failed', error: failure }],
    ['capture', { capture: { ...view.capture, error: failure } }],
    ['target warehouse', { targets: [{ ...target, state: 'failed', error: failure }] }],
    ['target warehouse, table app.orders', { targets: [{ ...target, stragglers: [straggler] }] }],
    ['table app.orders', { tables: [{ ...orders, state: 'Table error', error: failure }] }],
  ]
  for (const [what, change] of troubles) {
    test(`ends with 3 and tells the error of ${what}`, async () => {
      await using server = await serve(saying({ ...view, ...change }))
      const { exitCode, stdout } = await millrace(['status', '--config', server.config])
      assert.equal(exitCode, 3)
      const where = what.replace('the ', '')
      const told = `\n${where}: VALUE_UNFIT  NaN in app.orders.total\n  what to do: set a policy\n`
      assert.ok(stdout.endsWith(told), stdout)
    })
  }

  test('ends with 3 and tells what threatens the slot', async () => {
    const capture = { ...view.capture, warnings: ['the limit is near'] }
    await using server = await serve(saying({ ...view, capture }))
    const { exitCode, stdout } = await millrace(['status', '--config', server.config])
    assert.ok(stdout.endsWith('\nwarning: the limit is near\n'), stdout)
    assert.equal(exitCode, 3)
  })

  test('shows the token', async () => {
    await using server = await serve((request, response) => {
      if (request.headers.authorization === 'Bearer t0ken') return saying(view)(request, response)
      response.statusCode = 401
      return response.end()
    }, 'env:TOKEN')
    const words = ['status', '--config', server.config]
    assert.equal((await millrace(words, { env: { TOKEN: 't0ken' } })).exitCode, 0)

    const refused = await millrace(words, { env: { TOKEN: 'wrong' } })
    assert.equal(refused.exitCode, 1)
    assert.match(refused.stderr, /^millrace: TOKEN_REFUSED /)

    const missing = await millrace(words)
    assert.equal(missing.exitCode, 2)
    assert.match(missing.stderr, /SECRET_MISSING .*server\.token: the environment variable TOKEN/)
  })
})

describe('a task that does not answer', () => {
  async function refusal(file: string): Promise<string> {
    const { exitCode, stdout, stderr } = await millrace(['status', '--config', file])
    assert.equal(exitCode, 1)
    assert.equal(stdout, '')
    return stderr
  }

  test('is not running', async () => {
    const server = await serve(saying(view))
    await server.close()
    const address = `127.0.0.1:${server.port}`
    assert.equal(
      await refusal(server.config),
      `millrace: NOT_RUNNING  nothing answers at http://${address}: connect ECONNREFUSED ${address}
  what to do: start it with \`millrace run\`
  see docs/errors.md#not_running
`,
    )
  })

  test('cannot be asked without a server', async () => {
    const stderr = await refusal(configuration(' null'))
    assert.match(stderr, /NOT_RUNNING {2}.* has no server that could be asked/)
  })

  const others = [
    ['another task', saying({ ...view, task: 'other' }), /runs the task other, not shop/],
    ['another program', saying(['hello']), /what answers at .* is not Millrace/],
    ['a web page', (_, response) => response.end('<html>'), /nothing answers at/],
    ['an error', (_, response) => response.writeHead(500).end(), /answers with HTTP 500/],
  ] as const satisfies readonly (readonly [string, RequestListener, RegExp])[]
  for (const [what, answer, message] of others) {
    test(`is not confused with ${what}`, async () => {
      await using server = await serve(answer)
      const stderr = await refusal(server.config)
      assert.match(stderr, /^millrace: NOT_RUNNING /)
      assert.match(stderr, message)
    })
  }

  test('is not waited for after Ctrl-C', async () => {
    const stop = new AbortController()
    await using server = await serve(() => stop.abort())
    const words = ['status', '--config', server.config]
    const outcome = await millrace(words, { signal: stop.signal })
    assert.deepEqual(outcome, { exitCode: 1, stdout: '', stderr: '' })
  })
})

describe('tables', () => {
  test('shows state, progress and counts of each table', async () => {
    await using server = await serve(saying(view))
    const { exitCode, stdout } = await millrace(['tables', '--config', server.config])
    assert.equal(exitCode, 0)
    assert.equal(
      stdout,
      `TABLE       STATE             LOADED  PROGRESS                LEFT      SIZE  INSERTS  UPDATES  DELETES  DDL
app.orders  Table completed  120,000                                64.0 MiB    1,234       56        7    1
app.users   Full load             57  █████░░░░░  57 %  1 min 35 s  64.0 MiB    1,234       56        7    1
`,
    )
  })

  test('ends with 3 and tells the error of a table', async () => {
    const tables = [{ ...orders, state: 'Table error', error: failure }]
    await using server = await serve(saying({ ...view, tables }))
    const { exitCode, stdout } = await millrace(['tables', '--config', server.config])
    assert.equal(exitCode, 3)
    assert.ok(stdout.endsWith('\napp.orders: VALUE_UNFIT  NaN in app.orders.total\n'))
  })

  test('gives scripts the tables', async () => {
    await using server = await serve(saying(view))
    const { stdout } = await millrace(['tables', '--config', server.config, '--json'])
    assert.deepEqual(JSON.parse(stdout), view.tables)
  })
})

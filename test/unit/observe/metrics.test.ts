import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { CodedError } from '../../../src/core/errors.ts'
import type { TaskEvent } from '../../../src/core/events.ts'
import { METRICS, Metrics } from '../../../src/observe/metrics.ts'
import { RequestCosts } from '../../../src/task/request-costs.ts'
import { Statistics } from '../../../src/task/statistics.ts'
import { applied, changes, loadPart, ORDERS, truncate, USERS, written } from '../task/events.ts'

async function scrape(...events: TaskEvent[]): Promise<string> {
  const statistics = new Statistics({
    task: 'shop',
    now: () => 0,
    load: 'full-load-and-cdc',
    lakeUrl: './lake',
    targets: [{ name: 'warehouse', type: 'duckdb' }],
  })
  const metrics = new Metrics({ view: () => statistics.view() })
  for (const event of events) {
    statistics.apply(event)
    metrics.apply(event)
  }
  return metrics.text()
}

describe('the table of metrics', () => {
  for (const [name, { type, help, labels }] of Object.entries(METRICS)) {
    test(`${name} is named by the rules of Prometheus and explained`, () => {
      assert.match(name, /^millrace_[a-z_]+$/)
      assert.equal(name.endsWith('_total'), type === 'counter')
      if (type === 'histogram') assert.match(name, /_seconds$/)
      assert.match(help, /^[A-Z1].*\.$/)
      assert.equal(new Set(labels).size, labels.length)
    })
  }
})

describe('metrics', () => {
  test('count changes by table and operation', async () => {
    const entries = [changes(ORDERS, { i: 3, u: 2 }), changes(ORDERS, { i: 4 }), truncate(USERS)]
    const text = await scrape(written(1, 0, { entries, latencyMs: 700 }))
    assertLines(text, [
      'millrace_changes_total{table="app.orders",op="insert"} 7',
      'millrace_changes_total{table="app.orders",op="update"} 2',
      'millrace_changes_total{table="app.users",op="truncate"} 1',
      'millrace_manifests_total{kind="changes"} 1',
      'millrace_lake_files_total{content="changes"} 2',
      'millrace_manifest_latency_seconds_bucket{le="0.5"} 0',
      'millrace_manifest_latency_seconds_bucket{le="1"} 1',
      'millrace_lake_head 1',
    ])
    assert.doesNotMatch(text, /op="delete"/)
  })

  test('count rows and bytes of loads apart from changes', async () => {
    const text = await scrape(written(1, 0, { entries: [loadPart(ORDERS, 40)] }), {
      type: 'load-ended',
      table: ORDERS,
      rows: 40,
      bytes: 400,
      seconds: 2,
    })
    assertLines(text, [
      'millrace_load_rows_total{table="app.orders"} 40',
      'millrace_lake_bytes_total{content="load"} 400',
      'millrace_loads_total{result="ended"} 1',
      'millrace_tables{state="Full load"} 1',
    ])
  })

  test('show each target with place, lag and state', async () => {
    const text = await scrape(
      { type: 'target-state', target: 'warehouse', state: 'running', error: null },
      written(1, 0, { entries: [changes(ORDERS, { i: 3 })], latencyMs: 0 }),
      applied(0, 0),
      written(2, 0, { entries: [changes(ORDERS, { i: 3 })], latencyMs: 0 }),
      applied(1, 0, 3),
    )
    assertLines(text, [
      'millrace_target_state{target="warehouse",state="running"} 1',
      'millrace_target_state{target="warehouse",state="failed"} 0',
      'millrace_target_manifest{target="warehouse"} 1',
      'millrace_target_behind_manifests{target="warehouse"} 1',
      'millrace_target_lag_seconds{target="warehouse"} 0',
      'millrace_target_changes_total{target="warehouse"} 3',
    ])
  })

  test('show what the requests to the lake come to in a day', async () => {
    let now = 0
    const statistics = new Statistics({
      task: 'shop',
      now: () => now,
      load: 'cdc',
      lakeUrl: 's3://lake/shop',
      lakeCosts: new RequestCosts({
        counts: () => ({ puts: now / 1000, gets: now / 500, lists: 0, deletes: 0 }),
        isCharged: true,
      }),
      targets: [],
    })
    for (; now <= 60_000; now += 1000) statistics.tick()
    const text = await new Metrics({ view: () => statistics.view() }).text()
    assertLines(text, [
      'millrace_lake_requests_per_day{kind="put"} 86400',
      'millrace_lake_requests_per_day{kind="get"} 172800',
      'millrace_lake_requests_per_day{kind="list"} 0',
      'millrace_lake_usd_per_day 0.5011',
    ])
  })

  test('leave out what is not known', async () => {
    const text = await scrape()
    assert.doesNotMatch(text, /^millrace_lake_usd_per_day /m)
    assert.doesNotMatch(text, /^millrace_target_lag_seconds\{/m)
    assert.doesNotMatch(text, /^millrace_source_lag_bytes /m)
  })

  test('count errors by code', async () => {
    const error = new CodedError('CONNECTION_LOST', 'broke')
    const event = { type: 'capture-state', state: 'retrying', error } as const
    assertLines(await scrape(event, event), ['millrace_errors_total{code="CONNECTION_LOST"} 2'])
  })

  test('count files whose commit time lay ahead of our clock', async () => {
    const event = { type: 'clock-ahead', files: 2, ms: 90_000 } as const
    assertLines(await scrape(event, event), ['millrace_clock_ahead_files_total 4'])
  })

  test('count values that did not fit into data files', async () => {
    const unfit = { table: ORDERS, column: 'valid', policy: 'null' } as const
    const event = { type: 'values-unfit', ...unfit, values: 2 } as const
    const labels = `table="${ORDERS}",column="valid",policy="null"`
    assertLines(await scrape(event, event), [`millrace_values_unfit_total{${labels}} 4`])
  })

  test('are explained in the text itself', async () => {
    const text = await scrape()
    for (const [name, { type }] of Object.entries(METRICS)) {
      assert.ok(text.includes(`# TYPE ${name} ${type}`), name)
    }
  })
})

function assertLines(text: string, expected: readonly string[]): void {
  const lines = new Set(text.split('\n'))
  for (const line of expected) assert.ok(lines.has(line), `${line} is missing in\n${text}`)
}

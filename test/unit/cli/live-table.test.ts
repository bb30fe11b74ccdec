import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import { describe, test } from 'node:test'

import { LiveTable } from '../../../src/cli/live-table.ts'
import { painter } from '../../../src/cli/paint.ts'
import type { TableView, TaskView } from '../../../src/task/view.ts'

const ESCAPE = '\u001b'

const orders: TableView = {
  table: 'app.orders',
  state: 'Table completed',
  loadedRows: 120_000,
  loadedBytes: 67_108_864,
  estimatedRows: 119_000,
  loadRowsPerSecond: null,
  loadSecondsLeft: null,
  inserts: 1234,
  updates: 56,
  deletes: 7,
  truncates: 0,
  ddls: 0,
  lastChangeAt: null,
  error: null,
}

const VIEW: TaskView = {
  task: 'shop',
  source: 'shop on localhost',
  state: 'running',
  sentence: 'Load complete, replication ongoing',
  startedAt: 0,
  at: 1000,
  error: null,
  capture: {
    state: 'streaming',
    error: null,
    lagBytes: 0,
    lagSeconds: 0.25,
    warnings: [],
    flushSeconds: 0.01,
  },
  lake: { url: '/lake', head: 1042, rows: 0, bytes: 0, files: 0, lastManifestAt: null },
  tables: [orders],
  targets: [
    {
      name: 'warehouse',
      type: 'duckdb',
      state: 'running',
      n: 1040,
      behind: 2,
      lagSeconds: 1.5,
      appliedRows: 0,
      appliedChanges: 0,
      stragglers: [],
      error: null,
    },
  ],
  rates: { rowsPerSecond: 12_300, bytesPerSecond: 0 },
}

/** A terminal that does what the table's escapes say: go up, clear what is below. */
class Terminal extends Writable {
  rows = 40
  columns = 120
  hasColour = false
  raw = ''
  #lines: string[] = []
  readonly table = new LiveTable(() => ({
    out: this,
    paint: painter(this.hasColour),
    rows: this.rows,
    columns: this.columns,
  }))

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.raw += chunk.toString()
    let text = chunk.toString()
    const up = new RegExp(`^${ESCAPE}\\[(\\d+)A\\r${ESCAPE}\\[J`).exec(text)
    if (up) {
      this.#lines = this.#lines.slice(0, this.#lines.length - Number(up[1]))
      text = text.slice(up[0].length)
    }
    this.#lines.push(...text.split('\n').slice(0, -1))
    done()
  }

  get lines(): string[] {
    return this.#lines
  }
}

function withTables(count: number): TaskView {
  const tables = Array.from({ length: count }, (_, i) => ({ ...orders, table: `app.t${i}` }))
  return { ...VIEW, tables }
}

describe('the live table', () => {
  test('shows the task, the lake, its targets and a line a table', () => {
    const terminal = new Terminal()
    terminal.table.draw(VIEW)
    const [, task, lake, target, , head, row] = terminal.lines
    assert.equal(task, 'shop  Load complete, replication ongoing')
    assert.match(lake!, /^lake: manifest 1,042, 12,300 rows\/s, lag /)
    assert.match(target!, /^warehouse \(duckdb\): running, lag /)
    assert.match(head!, /^TABLE +STATE +LOADED +ROWS +SIZE/)
    assert.match(row!, /^app\.orders +Table completed .*120,000 .*1,234 +56 +7$/)
    assert.equal(terminal.lines.length, 7)
  })

  test('is drawn in its own place', () => {
    const terminal = new Terminal()
    terminal.table.draw(VIEW)
    terminal.table.draw({ ...VIEW, sentence: 'Stopping' })
    assert.equal(terminal.lines.length, 7)
    assert.equal(terminal.lines[1], 'shop  Stopping')
  })

  test('leaves nothing behind when it gets shorter', () => {
    const terminal = new Terminal()
    terminal.table.draw(withTables(5))
    terminal.table.draw(VIEW)
    assert.equal(terminal.lines.length, 7)
  })

  test('lets stay what is printed, above it', () => {
    const terminal = new Terminal()
    terminal.table.draw(VIEW)
    terminal.table.print('dashboard: http://127.0.0.1:7070\n')
    terminal.table.draw(VIEW)
    terminal.table.draw(VIEW)
    assert.equal(terminal.lines[0], 'dashboard: http://127.0.0.1:7070')
    assert.equal(terminal.lines.length, 8)
  })

  test('has no more lines than the terminal, and says how many tables it leaves out', () => {
    const terminal = new Terminal()
    terminal.rows = 20
    terminal.table.draw(withTables(100))
    assert.ok(terminal.lines.length < 20)
    const shown = terminal.lines.filter((line) => line.startsWith('app.t')).length
    assert.equal(terminal.lines.at(-1), `… and ${100 - shown} more: millrace tables`)
  })

  test('cuts lines at the width of the terminal, colours not counted', () => {
    const terminal = new Terminal()
    terminal.columns = 30
    terminal.table.draw(VIEW)
    for (const line of terminal.lines) assert.ok(line.length <= 30, line)
    const coloured = new Terminal()
    coloured.columns = 30
    coloured.hasColour = true
    coloured.table.draw(VIEW)
    const colours = new RegExp(`${ESCAPE}\\[\\d+m`, 'g')
    assert.deepEqual(
      coloured.lines.map((line) => line.replaceAll(colours, '')),
      terminal.lines,
    )
    assert.ok(coloured.raw.includes(`${ESCAPE}[22m`), 'a colour that was begun is ended')
  })

  test('never shows a load as complete that still runs, whatever was estimated', () => {
    const terminal = new Terminal()
    terminal.table.draw(VIEW)
    const full = /app\.orders +Table completed +(\S+)/.exec(terminal.lines[6]!)?.[1]
    const loading = { ...orders, state: 'Full load', loadedRows: 500, estimatedRows: 100 } as const
    terminal.table.draw({ ...VIEW, tables: [loading] })
    const running = /app\.orders +Full load +(\S+)/.exec(terminal.lines[6]!)?.[1]
    assert.ok(full && running && full !== running)
  })

  test('says how long a load will take, if that is known', () => {
    const terminal = new Terminal()
    const loading = { ...orders, state: 'Full load', loadSecondsLeft: 95 } as const
    terminal.table.draw({ ...VIEW, tables: [loading, orders] })
    assert.match(terminal.lines[5]!, / ROWS\/S +LEFT +INSERTS/)
    assert.match(terminal.lines[6]!, / 1 min 35 s +1,234/)
    assert.match(terminal.lines[7]!, / - +- +1,234/)
  })

  test('shows what is wrong with a target', () => {
    const terminal = new Terminal()
    const error = { code: 'TARGET_LOCKED', message: 'another process', hint: 'close it' }
    terminal.table.draw({ ...VIEW, targets: [{ ...VIEW.targets[0]!, state: 'failed', error }] })
    assert.match(terminal.lines[3]!, /TARGET_LOCKED another process$/)
  })
})

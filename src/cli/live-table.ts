/**
 * The task at a glance, on a terminal: one line a table, drawn again and again in place.
 *
 * Lines are made from the same view that `status` and the dashboard show. Only what fits the
 * terminal is drawn, since a line that wraps could not be drawn over.
 */

import { formatBytes, formatDuration } from '../core/quantity.ts'
import type { TableView, TargetView, TaskView } from '../task/view.ts'
import { needsAttention } from './attention.ts'
import { alignTable, formatCount, formatRate, progressBar } from './format.ts'
import type { Paint } from './paint.ts'

export interface Screen {
  readonly out: NodeJS.WritableStream
  readonly paint: Paint
  readonly rows: number
  readonly columns: number
}

const BAR_WIDTH = 12
const HEAD_LINES = 6
const UP = '\u001b['
const CLEAR_BELOW = '\u001b[J'

export class LiveTable {
  readonly #screen: () => Screen
  #height = 0
  #isSettled = false

  constructor(screen: () => Screen) {
    this.#screen = screen
  }

  draw(view: TaskView): void {
    const screen = this.#screen()
    const lines = describe(view, screen).map((line) => clip(line, screen.columns))
    screen.out.write(`${this.#home()}${lines.join('\n')}\n`)
    this.#height = lines.length
  }

  /** Writes something that stays, above the table. */
  print(text: string): void {
    this.#screen().out.write(`${this.#home()}${text}`)
    this.#height = 0
  }

  /** Draws for the last time; later texts go below. A second call does nothing. */
  settle(view: TaskView): void {
    if (this.#isSettled) return
    this.draw(view)
    this.#isSettled = true
    this.#height = 0
  }

  #home(): string {
    return this.#height === 0 ? '' : `${UP}${this.#height}A\r${CLEAR_BELOW}`
  }
}

function describe(view: TaskView, { paint, rows }: Screen): string[] {
  const { capture, lake, rates } = view
  const colour = needsAttention(view) ? 'red' : 'green'
  const head = [
    '',
    `${paint('bold', view.task)}  ${paint(colour, view.sentence)}`,
    paint(
      'dim',
      `lake: manifest ${formatCount(lake.head)}, ${formatRate(rates.rowsPerSecond)}, ` +
        `lag ${lagText(capture.lagSeconds)}`,
    ),
    ...capture.warnings.map((warning) => paint('yellow', `source: ${warning}`)),
    ...view.targets.map((target) => targetLine(target, paint)),
    '',
  ]
  const room = Math.max(3, rows - head.length - HEAD_LINES)
  const shown = view.tables.slice(0, room)
  const hidden = view.tables.length - shown.length
  const table = tableLines(shown)
  return [...head, ...table, ...(hidden > 0 ? [`… and ${hidden} more: millrace tables`] : [])]
}

function targetLine(
  { name, type, state, lagSeconds, stragglers, error }: TargetView,
  paint: Paint,
): string {
  const waiting = stragglers.length === 0 ? '' : `, ${stragglers.length} tables on their way`
  const text = `${name} (${type}): ${state}, lag ${lagText(lagSeconds)}${waiting}`
  return error === null
    ? paint('dim', text)
    : paint('red', `${text}: ${error.code} ${error.message}`)
}

function tableLines(tables: readonly TableView[]): string[] {
  const columns = [
    { title: 'TABLE', align: 'left' },
    { title: 'STATE', align: 'left' },
    { title: 'LOADED', align: 'left' },
    { title: 'ROWS', align: 'right' },
    { title: 'SIZE', align: 'right' },
    { title: 'ROWS/S', align: 'right' },
    { title: 'LEFT', align: 'right' },
    { title: 'INSERTS', align: 'right' },
    { title: 'UPDATES', align: 'right' },
    { title: 'DELETES', align: 'right' },
  ] as const
  const rows = tables.map((table) => [
    table.table,
    table.state,
    progressBar(loadedFraction(table), BAR_WIDTH),
    formatCount(table.loadedRows),
    formatBytes(table.loadedBytes),
    table.loadRowsPerSecond === null ? '-' : formatCount(Math.round(table.loadRowsPerSecond)),
    table.loadSecondsLeft === null ? '-' : formatDuration(table.loadSecondsLeft * 1000),
    formatCount(table.inserts),
    formatCount(table.updates),
    formatCount(table.deletes),
  ])
  return alignTable(columns, rows).trimEnd().split('\n')
}

/** Estimates are estimates: a load that runs is never shown as complete. */
function loadedFraction({ state, loadedRows, estimatedRows }: TableView): number {
  if (state === 'Table completed') return 1
  if (estimatedRows === null || estimatedRows === 0) return 0
  return Math.min(0.99, loadedRows / estimatedRows)
}

function lagText(seconds: number | null): string {
  return seconds === null ? '-' : formatDuration(seconds * 1000)
}

const ESCAPE = String.fromCodePoint(0x1b)

/** Cuts a line at the width of the terminal; colours take no room. */
function clip(line: string, width: number): string {
  let room = width
  let clipped = ''
  for (let i = 0; i < line.length;) {
    const isColour = line[i] === ESCAPE
    const end = isColour ? line.indexOf('m', i) + 1 : i + 1
    if (isColour || room-- > 0) clipped += line.slice(i, end)
    i = end
  }
  return clipped
}

/** `status`: how the task is, in a few lines. */

import { formatBytes, formatDuration } from '../../core/quantity.ts'
import type { ErrorView, RequestsView, TaskView } from '../../task/view.ts'
import { askTask } from '../ask-task.ts'
import { needsAttention } from '../attention.ts'
import { command, CONFIG_FLAG, JSON_FLAG } from '../command.ts'
import { alignTable, formatCount, formatRate } from '../format.ts'
import { type Paint, painter } from '../paint.ts'

export const statusCommand = command({
  name: 'status',
  summary: 'Show how the running task is',
  details:
    'Asks the running task over HTTP, at server.listen. Ends with 3 if the task, a target or a ' +
    'table has an error, or the slot is in danger.',
  flags: { config: CONFIG_FLAG, json: JSON_FLAG },
  arguments: {},

  async run({ config, json }, context) {
    const view = await askTask(config, context)
    const text = json ? `${JSON.stringify(view)}\n` : describe(view, painter(context.hasColour))
    context.stdout.write(text)
    return needsAttention(view) ? 3 : 0
  },
})

function describe(view: TaskView, paint: Paint): string {
  const { capture, lake, rates } = view
  const facts = [
    ['task', paint('bold', view.task)],
    ['state', paint(needsAttention(view) ? 'red' : 'green', view.sentence)],
    ['source', view.source ?? '-'],
    ['running for', formatDuration(view.at - view.startedAt)],
    ['capture', `${capture.state}, ${lagText(capture.lagSeconds)}${walText(capture.lagBytes)}`],
    ['lake', `${lake.url}, manifest ${formatCount(lake.head)}`],
    [
      'written',
      `${formatCount(lake.rows)} rows, ${formatBytes(lake.bytes)}, ${formatCount(lake.files)} files`,
    ],
    ...requestFacts(lake.requests ?? null),
    ['now', `${formatRate(rates.rowsPerSecond)}, ${formatBytes(rates.bytesPerSecond)}/s`],
    ['tables', tablesText(view)],
  ]
  const width = Math.max(...facts.map(([name = '']) => name.length))
  const lines = facts.map(([name = '', text = '']) => `${name.padEnd(width)}  ${text}\n`)
  const warnings = capture.warnings.map(
    (warning) => `\n${paint('yellow', 'warning')}: ${warning}\n`,
  )
  return [...lines, targetTable(view), ...warnings, errorLines(view, paint)].join('')
}

/** `about 34,560 PUT, 86,400 GET and 60 LIST a day, about 0.21 USD`. */
function requestFacts(requests: RequestsView | null): string[][] {
  if (requests === null) return []
  const { putsPerDay, getsPerDay, listsPerDay, usdPerDay } = requests
  const [puts, gets, lists] = [putsPerDay, getsPerDay, listsPerDay].map((count) =>
    formatCount(count),
  )
  const price = usdPerDay === null ? '' : `, about ${usdPerDay.toFixed(2)} USD`
  return [['requests', `about ${puts} PUT, ${gets} GET and ${lists} LIST a day${price}`]]
}

function lagText(seconds: number | null): string {
  return seconds === null ? 'lag unknown' : `lag ${formatDuration(seconds * 1000)}`
}

function walText(bytes: number | null): string {
  return bytes === null ? '' : `, ${formatBytes(bytes)} of WAL kept for us`
}

/** `8: 7 Table completed, 1 Full load`. */
function tablesText({ tables }: TaskView): string {
  const counts = new Map<string, number>()
  for (const { state } of tables) counts.set(state, (counts.get(state) ?? 0) + 1)
  const parts = [...counts].map(([state, count]) => `${count} ${state}`)
  return parts.length === 0 ? '0' : `${tables.length}: ${parts.join(', ')}`
}

function targetTable({ targets }: TaskView): string {
  if (targets.length === 0) return ''
  const columns = [
    { title: 'TARGET', align: 'left' },
    { title: 'TYPE', align: 'left' },
    { title: 'STATE', align: 'left' },
    { title: 'MANIFEST', align: 'right' },
    { title: 'BEHIND', align: 'right' },
    { title: 'LAG', align: 'right' },
    { title: 'CHANGES', align: 'right' },
  ] as const
  const rows = targets.map(({ name, type, state, n, behind, lagSeconds, appliedChanges }) => [
    name,
    type,
    state,
    n === null ? '-' : formatCount(n),
    behind === null ? '-' : formatCount(behind),
    lagSeconds === null ? '-' : formatDuration(lagSeconds * 1000),
    formatCount(appliedChanges),
  ])
  return `\n${alignTable(columns, rows)}`
}

function errorLines(view: TaskView, paint: Paint): string {
  const errors = [
    { what: 'task', error: view.error },
    { what: 'capture', error: view.capture.error },
    ...view.targets.flatMap(({ name, error, stragglers }) => [
      { what: `target ${name}`, error },
      ...stragglers.map((one) => ({
        what: `target ${name}, table ${one.table}`,
        error: one.error,
      })),
    ]),
    ...view.tables.map(({ table, error }) => ({ what: `table ${table}`, error })),
  ]
  return errors.map(({ what, error }) => (error ? errorLine(what, error, paint) : '')).join('')
}

function errorLine(what: string, { code, message, hint }: ErrorView, paint: Paint): string {
  const advice = hint === null ? '' : `  what to do: ${hint}\n`
  return `\n${what}: ${paint('red', code)}  ${message.replaceAll('\n', '\n  ')}\n${advice}`
}

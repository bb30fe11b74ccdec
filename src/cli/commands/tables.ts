/** `tables`: the state of each table, as DMS shows its table statistics. */

import { formatBytes, formatDuration } from '../../core/quantity.ts'
import type { TableState, TableView, TaskView } from '../../task/view.ts'
import { askTask } from '../ask-task.ts'
import { command, CONFIG_FLAG, JSON_FLAG } from '../command.ts'
import { alignTable, formatCount, progressBar } from '../format.ts'
import { type Colour, type Paint, painter } from '../paint.ts'

export const tablesCommand = command({
  name: 'tables',
  summary: 'Show the state of each table',
  details:
    'Asks the running task over HTTP, at server.listen. Ends with 3 if a table has an error. ' +
    'Changes are counted since the process started.',
  flags: { config: CONFIG_FLAG, json: JSON_FLAG },
  arguments: {},

  async run({ config, json }, context) {
    const { tables } = await askTask(config, context)
    const text = json ? `${JSON.stringify(tables)}\n` : describe(tables, painter(context.hasColour))
    context.stdout.write(text)
    return tables.some(({ state, error }) => state === 'Table error' || error !== null) ? 3 : 0
  },
})

const COLUMNS = [
  { title: 'TABLE', align: 'left' },
  { title: 'STATE', align: 'left' },
  { title: 'LOADED', align: 'right' },
  { title: 'PROGRESS', align: 'left' },
  { title: 'LEFT', align: 'right' },
  { title: 'SIZE', align: 'right' },
  { title: 'INSERTS', align: 'right' },
  { title: 'UPDATES', align: 'right' },
  { title: 'DELETES', align: 'right' },
  { title: 'DDL', align: 'right' },
] as const

const COLOURS: Record<TableState, Colour> = {
  'Before load': 'dim',
  'Full load': 'cyan',
  'Table completed': 'green',
  'Table is being reloaded': 'cyan',
  'Table error': 'red',
}

const BAR_WIDTH = 10

function describe(tables: TaskView['tables'], paint: Paint): string {
  if (tables.length === 0) return 'no tables yet\n'
  const rows = tables.map((table) => [
    table.table,
    paint(COLOURS[table.state], table.state),
    formatCount(table.loadedRows),
    progressOf(table),
    table.loadSecondsLeft === null ? '' : formatDuration(table.loadSecondsLeft * 1000),
    formatBytes(table.loadedBytes),
    formatCount(table.inserts),
    formatCount(table.updates),
    formatCount(table.deletes),
    formatCount(table.ddls),
  ])
  const errors = tables.flatMap(({ table, error }) =>
    error === null ? [] : [`${table}: ${paint('red', error.code)}  ${error.message}\n`],
  )
  return alignTable(COLUMNS, rows) + errors.map((error) => `\n${error}`).join('')
}

/** The estimate is the planner's: a table may well turn out larger. */
function progressOf({ state, loadedRows, estimatedRows }: TableView): string {
  const isLoading = state === 'Full load' || state === 'Table is being reloaded'
  if (!isLoading || estimatedRows === null || estimatedRows <= 0) return ''
  return progressBar(Math.min(0.99, loadedRows / estimatedRows), BAR_WIDTH)
}

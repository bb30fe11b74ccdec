/**
 * The tables: how far their load is, and what has been done to their rows since the start.
 *
 * A database can have thousands; the first fifty are drawn, those that need somebody first, and a
 * field finds the others. The roles repeat what the elements say, because on a narrow screen the
 * style sheet turns rows into cards, and browsers then forget what a table is.
 */

import { useState } from 'preact/hooks'

import type { TableView, TaskView } from '../../src/task/view.ts'
import { ago, bytes, duration, short, whole } from './format.ts'
import { TABLE_TONE } from './tone.ts'

const SHOWN = 50

const RANK: Record<TableView['state'], number> = {
  'Table error': 0,
  'Full load': 1,
  'Table is being reloaded': 1,
  'Before load': 2,
  'Table completed': 3,
}

export function Tables({ task }: { task: TaskView }) {
  const [filter, setFilter] = useState('')
  const { tables } = task
  const isLong = tables.length > SHOWN
  const found = isLong ? search(tables, filter) : tables
  const done = tables.filter(({ state }) => state === 'Table completed').length
  return (
    <section aria-labelledby="tables">
      <div class="section-head">
        <h2 id="tables" class="section">
          Tables{' '}
          <span class="unit">
            {whole(done)} of {whole(tables.length)} completed
          </span>
        </h2>
        {isLong && (
          <input
            type="search"
            placeholder="Find a table"
            aria-label="Find a table"
            value={filter}
            onInput={(event) => setFilter(event.currentTarget.value)}
          />
        )}
      </div>
      <div class="card scroll">
        <table role="table">
          <Head />
          <tbody role="rowgroup">
            {found.slice(0, SHOWN).map((table) => (
              <Row key={table.table} table={table} now={task.at} />
            ))}
          </tbody>
        </table>
        {found.length > SHOWN && (
          <p class="sub more">and {whole(found.length - SHOWN)} more; use the field to find one</p>
        )}
        {tables.length === 0 && <p class="sub more">No table is known yet.</p>}
      </div>
    </section>
  )
}

function search(tables: readonly TableView[], filter: string): TableView[] {
  return tables
    .filter(({ table }) => table.includes(filter.trim().toLowerCase()))
    .toSorted((a, b) => RANK[a.state] - RANK[b.state])
}

const COLUMNS = ['Loaded', 'Inserts', 'Updates', 'Deletes', 'Last change']

function Head() {
  return (
    <thead role="rowgroup">
      <tr role="row">
        <th role="columnheader" scope="col">
          Table
        </th>
        <th role="columnheader" scope="col">
          State
        </th>
        {COLUMNS.map((name) => (
          <th role="columnheader" scope="col" class="num" key={name}>
            {name}
          </th>
        ))}
      </tr>
    </thead>
  )
}

function Row({ table, now }: { table: TableView; now: number }) {
  const { lastChangeAt, truncates, ddls } = table
  const rare = [truncates > 0 && `${truncates} truncated`, ddls > 0 && `${ddls} DDL`].filter(
    Boolean,
  )
  return (
    <tr role="row" data-table={table.table}>
      <th role="rowheader" scope="row">
        {table.table}
        {rare.length > 0 && <small> {rare.join(', ')}</small>}
      </th>
      <td role="cell" class="state">
        <span class={`pill tone-${TABLE_TONE[table.state]}`}>{table.state}</span>
        {table.error !== null && <small class="tone-bad"> {table.error.code}</small>}
      </td>
      <td role="cell" class="num loaded" data-label="Loaded">
        <Loaded table={table} />
      </td>
      <Count label="Inserts" value={table.inserts} />
      <Count label="Updates" value={table.updates} />
      <Count label="Deletes" value={table.deletes} />
      <td role="cell" class="num quiet" data-label="Last change">
        {lastChangeAt === null ? '–' : ago(lastChangeAt, now)}
      </td>
    </tr>
  )
}

function Count({ label, value }: { label: string; value: number }) {
  return (
    <td role="cell" class={value === 0 ? 'num quiet' : 'num'} data-label={label}>
      {whole(value)}
    </td>
  )
}

function Loaded({ table }: { table: TableView }) {
  const { loadedRows, loadedBytes, estimatedRows, loadRowsPerSecond, loadSecondsLeft, state } =
    table
  const isLoading = state === 'Full load' || state === 'Table is being reloaded'
  if (!isLoading) return <>{whole(loadedRows)}</>
  // Statistics can be old, and a table that grew would be loaded beyond its end.
  const max = Math.max(estimatedRows ?? 0, loadedRows, 1)
  return (
    <div class="progress">
      <span>
        {whole(loadedRows)}
        {loadRowsPerSecond !== null && <small> {short(loadRowsPerSecond)}/s</small>}
        <small> {bytes(loadedBytes)}</small>
        {loadSecondsLeft !== null && <small> {duration(loadSecondsLeft)} left</small>}
      </span>
      <progress value={loadedRows} max={max} aria-label={`Load of ${table.table}`} />
    </div>
  )
}

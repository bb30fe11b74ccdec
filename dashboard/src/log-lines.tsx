/** The newest lines of the log, newest first. */

import { useState } from 'preact/hooks'

import type { LogLine } from '../../src/task/view.ts'
import { clockTime } from './format.ts'
import { lines } from './store.ts'
import { LEVEL_TONE } from './tone.ts'

const SHOWN = 100

export function LogLines() {
  const [onlyProblems, setOnlyProblems] = useState(false)
  const wanted = onlyProblems
    ? lines.value.filter(({ level }) => level === 'warn' || level === 'error')
    : lines.value
  return (
    <section aria-labelledby="log">
      <div class="section-head">
        <h2 id="log" class="section">
          Log
        </h2>
        <label class="check">
          <input
            type="checkbox"
            checked={onlyProblems}
            onChange={(event) => setOnlyProblems(event.currentTarget.checked)}
          />
          Only warnings and errors
        </label>
      </div>
      <ol class="card log" tabIndex={0} aria-label="Log lines, newest first">
        {wanted.length === 0 && <li class="sub">Nothing to show.</li>}
        {wanted
          .slice(-SHOWN)
          .toReversed()
          .map((line) => (
            <Line key={line.seq} line={line} />
          ))}
      </ol>
    </section>
  )
}

function Line({ line: { at, level, message, fields } }: { line: LogLine }) {
  return (
    <li class={`line tone-${LEVEL_TONE[level]}`}>
      <time dateTime={new Date(at).toISOString()}>{clockTime(at)}</time>
      <span class="level">{level}</span>
      <span class="text">
        <span class="message">{message}</span>
        {Object.entries(fields).map(([name, value]) => (
          <span class="field" key={name}>
            {' '}
            {name}=<b>{fieldText(value)}</b>
          </span>
        ))}
      </span>
    </li>
  )
}

function fieldText(value: unknown): string {
  if (typeof value === 'number') return String(Number(value.toFixed(3)))
  return typeof value === 'string' ? value : JSON.stringify(value)
}

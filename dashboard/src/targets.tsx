/** Each target: how far it is, how late, and which tables are elsewhere. */

import type { StragglerView, TargetView, TaskView } from '../../src/task/view.ts'
import { duration, short, whole } from './format.ts'
import { TARGET_TONE } from './tone.ts'

const STRAGGLERS_SHOWN = 6

export function Targets({ task: { targets } }: { task: TaskView }) {
  if (targets.length === 0) return null
  return (
    <section class="targets" aria-labelledby="targets">
      <h2 id="targets" class="section">
        Targets
      </h2>
      <ul>
        {targets.map((target) => (
          <Target key={target.name} target={target} />
        ))}
      </ul>
    </section>
  )
}

function Target({ target }: { target: TargetView }) {
  return (
    <li class="card target">
      <div class="node-head">
        <h3>
          {target.name} <span class="unit">{target.type}</span>
        </h3>
        <span class={`pill tone-${TARGET_TONE[target.state]}`}>{target.state}</span>
      </div>
      <p class="lag">
        <span>
          <b>{target.lagSeconds === null ? '–' : duration(target.lagSeconds)}</b> lag
        </span>
        <span>{progress(target)}</span>
      </p>
      {target.stragglers.length > 0 && <Stragglers stragglers={target.stragglers} />}
    </li>
  )
}

function progress({ n, behind, appliedChanges, appliedRows }: TargetView): string {
  if (n === null) return 'has not told where it is yet'
  const place =
    behind === 0
      ? `at manifest ${whole(n)}`
      : `${whole(behind ?? 0)} ${behind === 1 ? 'manifest' : 'manifests'} behind`
  return `${place} · ${short(appliedChanges)} changes applied as ${short(appliedRows)} rows`
}

function Stragglers({ stragglers }: { stragglers: readonly StragglerView[] }) {
  const hidden = stragglers.length - STRAGGLERS_SHOWN
  return (
    <ul class="stragglers" aria-label="Tables that are elsewhere">
      {stragglers.slice(0, STRAGGLERS_SHOWN).map(({ table, state, rows, error }) => (
        <li key={table}>
          <code>{table}</code>
          <span class={error === null ? 'tone-busy' : 'tone-bad'}>
            {error === null ? state : `${state}: ${error.code}`}
          </span>
          <span class="num">{whole(rows)} rows</span>
        </li>
      ))}
      {hidden > 0 && <li class="sub">and {hidden} more</li>}
    </ul>
  )
}

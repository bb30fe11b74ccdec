/** Source, lake and targets side by side, and how much runs between them. */

import type { ComponentChildren } from 'preact'

import type { TaskView } from '../../src/task/view.ts'
import { bytes, duration, short, whole } from './format.ts'
import { CAPTURE_TONE, type Tone } from './tone.ts'

export function Flow({ task }: { task: TaskView }) {
  const { capture, lake, rates, targets } = task
  const worst = Math.max(0, ...targets.map(({ lagSeconds }) => lagSeconds ?? 0))
  const isKnown = targets.some(({ lagSeconds }) => lagSeconds !== null)
  const running = targets.filter(({ state }) => state === 'running').length
  const isApplying = targets.some(
    ({ state, behind }) => state === 'running' && (behind !== 0 || rates.rowsPerSecond > 0),
  )
  return (
    <section class="flow" aria-label="Flow">
      <Node name="Source" state={capture.state} tone={CAPTURE_TONE[capture.state]}>
        <Figure label="Rows a second" value={short(rates.rowsPerSecond)} />
        <Figure label="WAL kept for us" value={orDash(capture.lagBytes, bytes)} />
      </Node>
      <Stream isMoving={rates.rowsPerSecond > 0} />
      <Node name="Lake" state={`manifest ${whole(lake.head)}`} tone="quiet">
        <Figure label="Rows" value={short(lake.rows)} />
        <Figure label={`in ${whole(lake.files)} files`} value={bytes(lake.bytes)} />
        <Figure label="Lag" value={orDash(capture.lagSeconds, duration)} />
      </Node>
      <Stream isMoving={isApplying} />
      <Node name="Targets" state={`${running} of ${targets.length} running`} tone="quiet">
        <Figure label="Changes applied" value={short(sum(targets.map((t) => t.appliedChanges)))} />
        <Figure label="Longest lag" value={isKnown ? duration(worst) : '–'} />
      </Node>
    </section>
  )
}

interface NodeProps {
  name: string
  state: string
  tone: Tone
  children: ComponentChildren
}

function Node({ name, state, tone, children }: NodeProps) {
  return (
    <div class="card node">
      <div class="node-head">
        <h2>{name}</h2>
        <span class={`pill tone-${tone}`}>{state}</span>
      </div>
      <dl>{children}</dl>
    </div>
  )
}

function Figure({ label, value }: { label: string; value: string }) {
  return (
    <div class="figure">
      <dt>{label}</dt>
      <dd>{value}</dd>
    </div>
  )
}

function Stream({ isMoving }: { isMoving: boolean }) {
  return (
    <svg class={isMoving ? 'stream is-moving' : 'stream'} viewBox="0 0 40 12" aria-hidden="true">
      <path d="M0 6H40" />
    </svg>
  )
}

function orDash(value: number | null, format: (value: number) => string): string {
  return value === null ? '–' : format(value)
}

function sum(values: readonly number[]): number {
  let total = 0
  for (const value of values) total += value
  return total
}

/** What needs somebody: each error with its code and what to do. */

import type { ErrorView, TaskView } from '../../src/task/view.ts'

interface Banner {
  readonly where: string
  readonly tone: 'warn' | 'bad'
  readonly error: ErrorView
}

const SHOWN = 4

export function Banners({ task }: { task: TaskView }) {
  const banners = bannersOf(task)
  if (banners.length === 0) return null
  const hidden = banners.length - SHOWN
  return (
    <section class="banners" aria-label="Errors" role="alert">
      {banners.slice(0, SHOWN).map(({ where, tone, error }) => (
        <div class={`banner tone-${tone}`} key={`${where} ${error.code}`}>
          <p class="banner-head">
            <code>{error.code}</code>
            <span>{where}</span>
          </p>
          <p>{error.message}</p>
          {error.hint !== null && <p class="hint">What to do: {error.hint}</p>}
        </div>
      ))}
      {hidden > 0 && <p class="sub">and {hidden} more; the tables and the log show them all</p>}
    </section>
  )
}

function bannersOf(task: TaskView): Banner[] {
  const banners: Banner[] = []
  if (task.error !== null) banners.push({ where: 'Task', tone: 'bad', error: task.error })
  const { error, warnings } = task.capture
  for (const message of warnings) {
    banners.push({ where: 'Source', tone: 'warn', error: { code: 'SLOT', message, hint: null } })
  }
  // A task that failed by its capture says so once.
  if (error !== null && task.error === null) banners.push({ where: 'Source', tone: 'warn', error })
  for (const target of task.targets) {
    const where = `Target ${target.name}`
    if (target.error !== null) {
      banners.push({ where, tone: target.state === 'failed' ? 'bad' : 'warn', error: target.error })
    }
    for (const straggler of target.stragglers) {
      if (straggler.error === null) continue
      banners.push({
        where: `${where}, table ${straggler.table}`,
        tone: 'bad',
        error: straggler.error,
      })
    }
  }
  return banners
}

/** Rows that stay though they are gone at the source: see `sql/keep.ts`. */

import type { StepOf } from '../sql/apply-step.ts'
import { keepRows, markRows } from '../sql/keep.ts'
import { factsOf, place, qualified } from './catalog.ts'
import type { Session } from './session.ts'

export async function keep(tx: Session, step: StepOf<'keep'>): Promise<void> {
  const shadow = place({ name: step.name, isShadow: true })
  await keepRows(
    {
      live: qualified(step.name),
      shadow: qualified(shadow),
      liveColumns: (await factsOf(tx, step.name))?.columns ?? null,
      shadowColumns: (await factsOf(tx, shadow))?.columns ?? null,
      run: (sql) => tx.run(sql),
    },
    step,
  )
}

export async function mark(tx: Session, step: StepOf<'mark'>): Promise<void> {
  const table = qualified(place(step.table))
  await markRows({ table, type: 'timestamptz', run: (sql) => tx.run(sql) }, step)
}

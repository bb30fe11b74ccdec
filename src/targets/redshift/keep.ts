/** Rows that stay though they are gone at the source: see `sql/keep.ts`. */

import type { StepOf } from '../sql/apply-step.ts'
import { keepRows, markRows } from '../sql/keep.ts'
import { columnsOf } from './catalog.ts'
import { columnName, foldedTable, place, qualified } from './names.ts'
import type { Transaction } from './work.ts'

export async function keep({ session }: Transaction, step: StepOf<'keep'>): Promise<void> {
  const live = foldedTable(step.name)
  const shadow = place({ name: step.name, isShadow: true })
  await keepRows(
    {
      live: qualified(live),
      shadow: qualified(shadow),
      liveColumns: await columnsOf(session, live),
      shadowColumns: await columnsOf(session, shadow),
      run: (sql) => session.run(sql),
    },
    { ...step, by: step.by.map((name) => columnName(name)) },
  )
}

export async function mark({ session }: Transaction, step: StepOf<'mark'>): Promise<void> {
  const table = qualified(place(step.table))
  await markRows({ table, type: 'TIMESTAMPTZ', run: (sql) => session.run(sql) }, step)
}

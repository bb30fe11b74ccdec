/** Rows that stay though they are gone at the source: see `sql/keep.ts`. */

import type { StepOf } from '../sql/apply-step.ts'
import { keepRows, markRows } from '../sql/keep.ts'
import { placeOf } from '../sql/names.ts'
import { columnTypes } from './ddl.ts'
import { qualified } from './names.ts'
import type { Transaction } from './transaction.ts'

export async function keep(tx: Transaction, step: StepOf<'keep'>): Promise<void> {
  const shadow = placeOf({ name: step.name, isShadow: true })
  const place = {
    live: qualified(step.name),
    shadow: qualified(shadow),
    liveColumns: await columnTypes(tx, step.name),
    shadowColumns: await columnTypes(tx, shadow),
    run: (sql: string) => tx.run(sql),
  }
  await keepRows(place, step)
}

export async function mark(tx: Transaction, step: StepOf<'mark'>): Promise<void> {
  const place = placeOf(step.table)
  const rows = await markRows(
    { table: qualified(place), type: 'TIMESTAMPTZ', run: (sql) => tx.run(sql) },
    step,
  )
  if (rows > 0) tx.markWritten(place)
}

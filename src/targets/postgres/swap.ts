/**
 * The shadow takes the place of the live table.
 *
 * Where nothing hangs on the live table it goes and the shadow takes its name: a matter of the catalog,
 * whatever the size. Where something does, a view, an index, a grant, it would go too. Then the live
 * table stays, takes the columns and the key of the shadow, and its rows are exchanged within the
 * transaction; readers see the old ones until the commit.
 */

import type { StepOf } from '../sql/apply-step.ts'
import { identifier } from '../sql/names.ts'
import { factsOf, hasMore, place, qualified, type TableFacts } from './catalog.ts'
import { dropTable } from './ddl.ts'
import { moveKey } from './key.ts'
import type { Session } from './session.ts'

export async function swap(tx: Session, step: StepOf<'swap'>): Promise<void> {
  const { name } = step
  const shadow = place({ name, isShadow: true })
  const live = await factsOf(tx, name)
  if (live !== null && (await hasMore(tx, name, shadow))) return exchange(tx, step, live)
  await dropTable(tx, name)
  await tx.run(`ALTER TABLE ${qualified(shadow)} RENAME TO ${identifier(name.name)}`)
}

async function exchange(tx: Session, step: StepOf<'swap'>, live: TableFacts): Promise<void> {
  const { name, shape } = step
  const shadow = place({ name, isShadow: true })
  const columns = (await factsOf(tx, shadow))?.columns ?? new Map<string, string>()
  await tx.run(`DELETE FROM ${qualified(name)}`)
  const table = `ALTER TABLE ${qualified(name)}`
  for (const [column, type] of columns) {
    const before = live.columns.get(column)
    const quoted = identifier(column)
    if (before === undefined) await tx.run(`${table} ADD COLUMN ${quoted} ${type}`)
    else if (before !== type) {
      await tx.run(`${table} ALTER COLUMN ${quoted} TYPE ${type} USING CAST(NULL AS ${type})`)
    }
  }
  await moveKey(tx, name, shape)
  const names = [...columns.keys()].map((column) => identifier(column)).join(', ')
  await tx.run(
    `INSERT INTO ${qualified(name)} (${names}) SELECT ${names} FROM ${qualified(shadow)}`,
  )
  await dropTable(tx, shadow)
}

/** Runs the steps of a piece of work by the verbs of one database, and says of a failure whose it is. */

import { CodedError, unreachable } from '../../core/errors.ts'
import { tableId, type TableId } from '../../core/table.ts'
import type { Step } from '../../core/target.ts'

export type StepOf<T extends Step['type']> = Step & { readonly type: T }

/** What a database does for each kind of step, within the transaction that is `tx`. */
export type StepVerbs<Tx> = {
  readonly [T in Step['type']]: (tx: Tx, step: StepOf<T>) => Promise<void>
}

/** Failures that are no table's: nothing else would go better. */
const OF_NOBODY: ReadonlySet<string> = new Set(['DISK_FULL'])

/** A failure says which table it was, so that it can be suspended and the others go on. */
export async function applyStep<Tx>(verbs: StepVerbs<Tx>, tx: Tx, step: Step): Promise<void> {
  try {
    await dispatch(verbs, tx, step)
  } catch (error) {
    if (!(error instanceof CodedError) || 'table' in error.details) throw error
    if (OF_NOBODY.has(error.code) || error.recovery === 'retry') throw error
    const table = tableOf(step)
    throw new CodedError(error.code, `${table}: ${error.message}`, {
      cause: error.cause,
      details: { ...error.details, table },
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    })
  }
}

function dispatch<Tx>(verbs: StepVerbs<Tx>, tx: Tx, step: Step): Promise<void> {
  switch (step.type) {
    case 'create':
      return verbs.create(tx, step)
    case 'drop':
      return verbs.drop(tx, step)
    case 'truncate':
      return verbs.truncate(tx, step)
    case 'alter':
      return verbs.alter(tx, step)
    case 'swap':
      return verbs.swap(tx, step)
    case 'rename':
      return verbs.rename(tx, step)
    case 'fold':
      return verbs.fold(tx, step)
    case 'load':
      return verbs.load(tx, step)
    case 'mark':
      return verbs.mark(tx, step)
    case 'keep':
      return verbs.keep(tx, step)
    default:
      return unreachable(step)
  }
}

function tableOf(step: Step): TableId {
  if (step.type === 'swap' || step.type === 'keep') return tableId(step.name)
  return tableId(step.type === 'rename' ? step.from : step.table.name)
}

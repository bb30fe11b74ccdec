/** Settings of DMS that cannot go together, as DMS says. */

import type { Drafted } from './dms-settings-table.ts'

export function conflictsOf(draft: Drafted): readonly string[] {
  const { preserveTransactions, addColumnName, datePartitionEnabled } = draft
  const hasPath = draft.cdcPath !== null && draft.cdcPath !== ''
  const rules: readonly (readonly [isBroken: boolean, message: string])[] = [
    [draft.cdcInsertsOnly && draft.cdcInsertsAndUpdates, 'cdcInsertsOnly and cdcInsertsAndUpdates exclude each other'],
    [preserveTransactions && !hasPath, 'preserveTransactions needs cdcPath'],
    [hasPath && !preserveTransactions, 'cdcPath needs preserveTransactions'],
    [preserveTransactions && addColumnName, 'preserveTransactions and addColumnName exclude each other'],
    [preserveTransactions && datePartitionEnabled, 'preserveTransactions and datePartitionEnabled exclude each other'],
    [draft.csvDelimiter === draft.csvRowDelimiter, 'csvDelimiter and csvRowDelimiter are the same'],
  ] // prettier-ignore
  return rules.filter(([isBroken]) => isBroken).map(([, message]) => message)
}

/** What is said of an epoch that was begun. */

import type { NewEpoch } from '../capture/slot/new-epoch.ts'
import { formatCount } from './format.ts'

/** `null`: when the slot was ours, nothing was lost any more. */
export function describeEpoch(begun: NewEpoch | null): string {
  if (begun === null) return 'nothing is lost: the log goes on; nothing was changed\n'
  const { n, epoch, loss, tables, without } = begun
  const lines = [
    `epoch ${epoch} begins with manifest ${formatCount(n)} (${loss.code}: ${loss.message})`,
    `${formatCount(tables.length)} tables will be loaded again by: millrace run`,
    'until a table is in place its targets show the rows they have',
    ...(without.length > 0
      ? [`not at the source, and left in the targets: ${without.join(', ')}`]
      : []),
  ]
  return `${lines.join('\n')}\n`
}

export function epochJson({ n, epoch, loss, tables, without }: NewEpoch): object {
  return { n, epoch, code: loss.code, message: loss.message, tables, without }
}

/** What a target does with its tables, as its settings say: the form of each, and its mapping. */

import { Mapping, type MappingRules } from '../core/mapping.ts'
import type { Mode } from '../core/mode.ts'
import { selectTables } from '../core/table-selection.ts'
import type { Target } from '../core/target.ts'
import type { FormOf } from './forms.ts'
import { MappedTarget } from './mapped-target.ts'
import type { ApplierOptions, OnDrop } from './parts.ts'

export interface TreatmentRules extends MappingRules {
  /** Of the patterns that fit a table, the last counts; `mirror` if none does. */
  readonly modes: readonly { readonly tables: string; readonly mode: Mode }[]
  readonly onDrop: OnDrop
}

const KEPT: OnDrop = { table: 'keep', column: 'keep' }

type Treatment = Required<Pick<ApplierOptions, 'target' | 'formOf' | 'onDrop'>>

/** The target with the names and columns that the rules give, and the form of each table. */
export function treated(
  target: Target,
  { modes = [], rename = [], columns = [], onDrop = KEPT }: Partial<TreatmentRules>,
): Treatment {
  const mapping = new Mapping({ rename, columns })
  const rules = modes
    .map(({ tables, mode }) => ({ isMeant: selectTables([tables]), mode }))
    .toReversed()
  const formOf: FormOf = (table) => {
    const mode = rules.find(({ isMeant }) => isMeant(table))?.mode ?? 'mirror'
    return { mode, ...mapping.describe(table) }
  }
  return { target: mapping.isEmpty ? target : new MappedTarget(target, mapping), formOf, onDrop }
}

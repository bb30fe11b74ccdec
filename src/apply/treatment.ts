/** What a target does with its tables, as its settings say: the form of each, and its mapping. */

import { Mapping, type MappingRules } from '../core/mapping.ts'
import type { Mode } from '../core/mode.ts'
import { selectTables } from '../core/table-selection.ts'
import type { FormOf } from './forms.ts'

export interface TreatmentRules extends MappingRules {
  /** Of the patterns that fit a table, the last counts; `mirror` if none does. */
  readonly modes: readonly { readonly tables: string; readonly mode: Mode }[]
}

export const AS_IT_IS: TreatmentRules = { modes: [], rename: [], columns: [] }

interface Treatment {
  readonly mapping: Mapping
  readonly formOf: FormOf
}

export function treatmentOf(rules: TreatmentRules): Treatment {
  const mapping = new Mapping(rules)
  const modes = rules.modes
    .map(({ tables, mode }) => ({ isMeant: selectTables([tables]), mode }))
    .toReversed()
  const formOf: FormOf = (table) => {
    const mode = modes.find(({ isMeant }) => isMeant(table))?.mode ?? 'mirror'
    return { mode, ...mapping.describe(table) }
  }
  return { mapping, formOf }
}

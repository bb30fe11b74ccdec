/** What a target does with its tables: `mode`, `rename` and `columns` of an entry of `targets`. */

import { z } from 'zod'

import type { RenameRule } from '../core/mapping.ts'
import { MODES, type Mode } from '../core/mode.ts'
import type { ColumnRule } from '../core/table-selection.ts'
import { tablePattern } from './table-patterns.ts'

const included = tablePattern.refine((pattern) => !pattern.startsWith('!'), {
  error: 'a pattern here takes tables in; leave out the !',
})

const mode = z.enum(MODES, { error: `expected ${MODES.join(', ')}` })

const name = z
  .string()
  .min(1, 'expected a name')
  .refine((text) => !text.includes('\0'), 'expected a name')

const rename = z.union(
  [
    z.strictObject({ schema: name.refine((text) => !text.includes('.')), to: name }),
    z.strictObject({ table: included, to: name }),
    z.strictObject({
      column: z.string().regex(/^[^.!\s][^.]*\.[^.]+\.[^.]+$/),
      to: name,
    }),
  ],
  {
    error:
      'expected { schema: app, to: analytics }, { table: app.orders, to: sales } or ' +
      '{ column: app.users.email, to: mail }',
  },
)

const fate = z.enum(['keep', 'drop']).default('keep')

/** Keys of an entry, for targets that are databases. */
export const TABLE_SETTINGS = {
  mode: z
    .union([mode, z.record(included, mode)], {
      error: `expected ${MODES.join(', ')}, or one of them for each pattern of tables`,
    })
    .prefault('mirror')
    .describe(
      'What becomes of rows that change. `mirror`: the target has the rows of the source. ' +
        '`soft-delete`: deleted rows stay, with the time in `_deleted_at`. `history`: every version ' +
        "of a row stays. One for all tables, or by pattern, the last that fits counting: `{ '*.*': " +
        'mirror, app.audit: history }`; `mirror` where none fits. A table whose mode changes is loaded ' +
        'again. See [modes](targets/modes.md).',
    ),
  rename: z
    .array(rename)
    .prefault([])
    .describe(
      'Other names in the target: `[{ schema: app, to: analytics }, { table: app.orders, to: sales }, ' +
        '{ column: app.users.email, to: mail }]`. `*` stands for any text in what is renamed, and in ' +
        'the new name for the old one: `{ table: app.*, to: raw_* }` is a prefix. Of the rules of a ' +
        'kind that fit, the last counts. A table whose name changes here is loaded again under the ' +
        'new one; the old one stays.',
    ),
  columns: z
    .record(
      included,
      z.strictObject({
        exclude: z
          .array(z.string().min(1, 'expected the name of a column'))
          .min(1, 'expected at least one column')
          .describe('Names of the columns, as they are at the source.'),
      }),
    )
    .prefault({})
    .describe(
      'Columns that the target does not get, in the form of `source.columns`. They are in the lake ' +
        'all the same. Columns of the key cannot be left out.',
    ),
  onDrop: z
    .strictObject({
      table: fate.describe(
        'Of a table that is dropped at the source, or that gets a name which the target does not take.',
      ),
      column: fate.describe('Of a column that is dropped at the source.'),
    })
    .prefault({})
    .describe(
      'What becomes of what the source drops: `keep` leaves it, with what it holds, `drop` drops it ' +
        'in the target too.',
    ),
}

/** What a target does with its tables. */
export interface TableSettings {
  /** Of the patterns that fit a table, the last counts; `mirror` if none does. */
  readonly modes: readonly { readonly tables: string; readonly mode: Mode }[]
  readonly rename: readonly RenameRule[]
  readonly columns: readonly ColumnRule[]
  readonly onDrop: OnDrop
}

interface OnDrop {
  readonly table: 'keep' | 'drop'
  readonly column: 'keep' | 'drop'
}

export function tableSettings(given: {
  readonly mode: Mode | Readonly<Record<string, Mode>>
  readonly rename: readonly RenameRule[]
  readonly columns: Readonly<Record<string, { readonly exclude: readonly string[] }>>
  readonly onDrop: OnDrop
}): TableSettings {
  const modes = typeof given.mode === 'string' ? { '*.*': given.mode } : given.mode
  return {
    modes: Object.entries(modes).map(([tables, one]) => ({ tables, mode: one })),
    rename: given.rename,
    onDrop: given.onDrop,
    columns: Object.entries(given.columns).map(([tables, rule]) => ({ tables, ...rule })),
  }
}

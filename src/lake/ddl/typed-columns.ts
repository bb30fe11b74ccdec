/**
 * Columns of Parquet files whose type depends on how the task was set up: `lake.parquet.types: full`
 * gives times and uuids types of their own, and `arrays: lists` makes lists of arrays.
 *
 * The files say themselves how they were written, and what the setting is now says nothing of files
 * that are older. So the first and the last files of a table are asked, and where they differ a column
 * counts as typed.
 */

import type { ObjectStore } from '../../core/object-store.ts'
import type { Shape } from '../../core/table.ts'
import { parquetForm } from '../codecs/parquet-form.ts'
import type { ParquetOptions } from '../codecs/parquet-options.ts'
import { writtenWith } from '../codecs/parquet-rows.ts'
import { formatOf } from '../layout.ts'

const TYPED = ['uuid', 'time', 'list'] as const
export type TypedForm = (typeof TYPED)[number]

export interface TypedColumn {
  readonly name: string
  readonly form: TypedForm
}

/** By which setting a column has such a form. */
export const SETTING_OF: Readonly<Record<TypedForm, string>> = {
  uuid: 'lake.parquet.types: full',
  time: 'lake.parquet.types: full',
  list: 'lake.parquet.arrays: lists',
}

type Options = Pick<ParquetOptions, 'arrays' | 'types'>

const ALL_TYPED: Options = { arrays: 'lists', types: 'full' }

/** Of the columns that the files have, dropped ones too. A file that is gone is passed over. */
export async function typedColumns(
  store: ObjectStore,
  shape: Shape,
  files: ReadonlySet<string>,
): Promise<TypedColumn[]> {
  if (typedWith(shape, ALL_TYPED).length === 0) return []
  const found = new Map<string, TypedColumn>()
  for (const file of files) {
    const bytes = formatOf(file) === 'parquet' ? await store.get(file) : null
    if (bytes === null) continue
    for (const column of typedWith(shape, writtenWith(bytes))) found.set(column.name, column)
  }
  return [...found.values()]
}

function typedWith({ columns }: Shape, options: Options): TypedColumn[] {
  return columns.flatMap(({ name, type }) => {
    const { kind } = parquetForm(type, options)
    const form = TYPED.find((one) => one === kind)
    return form === undefined ? [] : [{ name, form }]
  })
}

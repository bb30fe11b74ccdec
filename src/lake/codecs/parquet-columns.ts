/**
 * The columns of a Parquet file of the lake: those of CSV, with types.
 *
 * Their names are those that every engine takes, as `lake ddl` has them: lower case, and each once.
 */

import type { SchemaElement } from 'hyparquet'

import type { Shape } from '../../core/table.ts'
import { rawNames } from '../ddl/names.ts'
import { parquetForm, schemaElements, type ParquetForm } from './parquet-form.ts'
import type { ParquetOptions } from './parquet-options.ts'
import { ROW_COLUMNS } from './row-columns.ts'

/** Where the footer says how the file was written, and where the texts stand that did not fit. */
export const ABOUT_KEY = 'millrace'
export const UNFIT_KEY = 'millrace.unfit'

const TEXT: ParquetForm = { kind: 'text' }
const INTEGER: ParquetForm = { kind: 'int', bits: 64, isUnsigned: false }

const ROW_FORMS: Readonly<Record<(typeof ROW_COLUMNS)[number], ParquetForm>> = {
  Op: TEXT,
  _order: INTEGER,
  _lsn: INTEGER,
  _seq: INTEGER,
  _committed_at: { kind: 'timestamp', isUtc: true },
  _unchanged: TEXT,
}

export interface FileColumn {
  readonly name: string
  readonly form: ParquetForm
  /** Those before the table's own, but for the list of unchanged columns. */
  readonly isRequired: boolean
}

/** All columns of the file, in order. */
export function fileColumns(
  shape: Shape,
  options: Pick<ParquetOptions, 'arrays' | 'types'>,
): FileColumn[] {
  const { table } = rawNames(shape.columns)
  const row = ROW_COLUMNS.map((name) => {
    return { name, form: ROW_FORMS[name], isRequired: name !== '_unchanged' }
  })
  const own = shape.columns.map(({ type }, i) => {
    return { name: table[i]!, form: parquetForm(type, options), isRequired: false }
  })
  return [...row, ...own]
}

/** Field ids are places from 1 on: a column that gets another name keeps its own. */
export function elementsOf({ name, form, isRequired }: FileColumn, place: number): SchemaElement[] {
  const [first, ...inner] = schemaElements(name, form, isRequired)
  return [{ ...first!, field_id: place + 1 }, ...inner]
}

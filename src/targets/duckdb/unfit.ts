/**
 * Which column it was, when DuckDB could not read a file.
 *
 * Its own message quotes the value, which must not get into a log, and does not always name the
 * column. So the file is read once more, each column on its own, outside of the transaction, which
 * has failed.
 */

import { CodedError, hasCode } from '../../core/errors.ts'
import { tableId, type Column, type TableName } from '../../core/table.ts'
import { readCsv, type CsvFile } from './csv-source.ts'
import type { Transaction } from './transaction.ts'
import { duckdbType, fromText, limitsOf } from './types.ts'

/** A column of the table, and the field of the file that has its text. */
export interface CsvColumn {
  readonly column: Column
  readonly field: number
}

export interface Reading {
  readonly table: TableName
  readonly file: CsvFile
  /** How many fields a line has. */
  readonly fields: number
  readonly columns: readonly CsvColumn[]
}

/** Runs a statement that reads the file, and names the column if a value does not fit. */
export async function explained(tx: Transaction, reading: Reading, sql: string): Promise<number> {
  try {
    return await tx.run(sql)
  } catch (error) {
    if (!hasCode(error, 'VALUE_UNFIT')) throw error
    throw await explain(tx, reading)
  }
}

async function explain(tx: Transaction, reading: Reading): Promise<CodedError> {
  const table = tableId(reading.table)
  const counts = reading.columns.map(
    ({ column, field }) =>
      `count_if(c${field} IS NOT NULL AND TRY(${fromText(column.type, `c${field}`)}) IS NULL)`,
  )
  const list = `SELECT unnest([${counts.join(', ')}]) AS unfit`
  const rows = await tx.database
    .rows(`${list} FROM ${readCsv(reading.file, reading.fields)}`)
    .catch(() => null)
  if (rows === null) {
    return new CodedError('LAKE_DAMAGED', `${reading.file.path} is not the CSV that was written`, {
      details: { table },
    })
  }
  const first = rows.findIndex(({ unfit }) => Number(unfit) > 0)
  const column = reading.columns[first]?.column
  if (column === undefined) {
    return new CodedError('VALUE_UNFIT', `${table}: DuckDB cannot hold a value`, {
      details: { table },
    })
  }
  const count = Number(rows[first]!['unfit'])
  return new CodedError(
    'VALUE_UNFIT',
    `${table}: column ${column.name} has ${count === 1 ? 'a value' : `${count} values`} that ${duckdbType(column.type)} cannot hold: ${limitsOf(column.type)}`,
    { details: { table, column: column.name, rows: count } },
  )
}

/**
 * COPY of staged rows, and which value it was if one did not fit.
 *
 * A manifest whose files are mandatory, or what is missing would be passed over without a word; and
 * the number of rows is counted again. The message of a COPY that fails names no value and no column;
 * the catalog knows the column, but its message quotes values, so that stays there.
 *
 * https://docs.aws.amazon.com/redshift/latest/dg/r_COPY.html
 */

import { CodedError, fail } from '../../core/errors.ts'
import { isLoadError } from './failures.ts'
import { literal } from './names.ts'
import type { RedshiftSession } from './session.ts'

export interface CopyRole {
  /** An ARN, several with commas between, or `default`. */
  readonly iamRole: string
  /** Of the bucket, where it is not the cluster's. */
  readonly region: string | null
}

export interface Copied {
  /** As it stands in SQL. */
  readonly table: string
  readonly columns: readonly string[]
  readonly manifest: string
  readonly rows: number
}

export async function copy(
  session: RedshiftSession,
  { table, columns, manifest, rows }: Copied,
  { iamRole, region }: CopyRole,
): Promise<void> {
  const role = iamRole === 'default' ? iamRole : literal(iamRole)
  await session.at('copy')
  await session.run(
    `COPY ${table} (${columns.join(', ')}) FROM ${literal(manifest)} IAM_ROLE ${role}` +
      `${region === null ? '' : ` REGION ${literal(region)}`} MANIFEST FORMAT AS CSV GZIP` +
      ` NULL AS '\\0' TIMEFORMAT 'auto' DATEFORMAT 'auto' ROUNDEC COMPUPDATE OFF STATUPDATE OFF`,
  )
  const [row] = await session.rows('SELECT pg_last_copy_count() AS rows')
  const copied = Number(row?.['rows'])
  if (copied !== rows) fail('TARGET_FAILED', `${copied} of ${rows} rows were copied`)
}

/**
 * What the catalog says of the COPY that failed last, after its transaction. `nameOf` translates the
 * name of a copied column into that of the table.
 */
export async function explained(
  session: RedshiftSession,
  error: unknown,
  nameOf: (column: string) => string,
): Promise<unknown> {
  if (!isLoadError(error) || !(error instanceof CodedError) || session.isLost) return error
  const [row] = await session.rows(
    `SELECT line_number AS line, column_name AS name, error_code AS code
     FROM sys_load_error_detail ORDER BY start_time DESC LIMIT 1`,
  )
  if (row === undefined) return error
  const column = nameOf(String(row['name']).trim())
  const code = Number(row['code'])
  const { isLoad: _, ...details } = error.details
  return new CodedError(
    'VALUE_UNFIT',
    `${error.message}: column ${column}, error ${code} of its COPY`,
    {
      cause: error,
      details: { ...details, column, code, line: Number(row['line']) },
      hint: 'compare the type of the column in the target with that in the source',
    },
  )
}

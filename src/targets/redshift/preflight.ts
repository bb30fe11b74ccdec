/** What a cluster must allow to be a target; for `doctor`. */

import { CodedError } from '../../core/errors.ts'
import { rollback } from '../sql/transaction.ts'
import { copy, type CopyRole } from './copy.ts'
import { RedshiftSession, type SessionOptions } from './session.ts'
import { Stage, type StageParts } from './stage.ts'

export interface Examined extends CopyRole {
  readonly server: Pick<SessionOptions, 'url' | 'login'>
  readonly stage: StageParts
}

/**
 * Rejects if the cluster cannot be reached. Resolves to what is missing; nothing, if all is well. A row
 * goes the way that all rows go, through the bucket into a temporary table, and nothing of it stays.
 */
export async function examineRedshift({ server, stage, ...role }: Examined): Promise<CodedError[]> {
  const session = await RedshiftSession.open({ ...server, applicationName: 'millrace: doctor' })
  try {
    const [row] = await session.rows(
      `SELECT has_database_privilege(current_database(), 'create') AS may_create,
              has_database_privilege(current_database(), 'temp') AS may_stage`,
    )
    const missing = [
      ...(row?.['may_create'] === true ? [] : [denied('schemas', 'CREATE')]),
      ...(row?.['may_stage'] === true ? [] : [denied('temporary tables', 'TEMP')]),
    ]
    return missing.length > 0 ? missing : await copyFailure(session, new Stage(stage), role)
  } finally {
    await session.close()
  }
}

function denied(what: string, right: string): CodedError {
  return new CodedError('PERMISSION_DENIED', `the user may not make ${what}`, {
    hint: `run: GRANT ${right} ON DATABASE … TO …`,
  })
}

async function copyFailure(
  session: RedshiftSession,
  stage: Stage,
  role: CopyRole,
): Promise<CodedError[]> {
  try {
    const table = session.newTable()
    const file = stage.open({
      table: { namespace: 'millrace', name: 'doctor' },
      columns: [],
      unfit: 'error',
    })
    file.csv.raw(Buffer.from('1'))
    file.rowEnd(1)
    const manifest = await file.finish()
    await session.run('BEGIN')
    await session.run(`CREATE TEMP TABLE ${table} (x SMALLINT)`)
    await copy(session, { table, columns: ['x'], manifest, rows: 1 }, role)
    return []
  } catch (error) {
    if (!(error instanceof CodedError)) throw error
    return [error]
  } finally {
    await rollback(session)
    await stage.clear()
  }
}

/** Makes sure that a target is not the source itself, whose tables would be written over. */

import { fail } from '../../core/errors.ts'
import { literal } from '../sql/names.ts'
import type { SqlSession } from '../sql/session.ts'

export interface SourceMark {
  readonly slot: string
  /** As IDENTIFY_SYSTEM has it. A server that was restored from a copy has it too, but no slot. */
  readonly systemId: string
}

export async function requireOther(
  session: Pick<SqlSession, 'rows'>,
  { slot, systemId }: SourceMark,
): Promise<void> {
  const [row] = await session.rows(
    `SELECT EXISTS (SELECT FROM pg_catalog.pg_replication_slots
       WHERE slot_name = ${literal(slot)} AND database = pg_catalog.current_database())
       AND (SELECT system_identifier::text FROM pg_catalog.pg_control_system()) = ${literal(systemId)}
       AS is_source`,
  )
  if (row?.['is_source'] !== true) return
  fail('TARGET_FAILED', 'the target is the database that we read from', {
    hint: 'name another database in the url of the target',
  })
}

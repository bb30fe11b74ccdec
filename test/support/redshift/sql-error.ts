/** Errors as they go over the wire, and how PostgreSQL's own become Redshift's. */

import pg from 'pg'

import type { BehaviourId } from './behaviours.ts'

export interface SqlErrorFields {
  readonly code: string
  readonly detail?: string | undefined
  readonly hint?: string | undefined
  readonly severity?: 'ERROR' | 'FATAL'
}

export class SqlError extends Error {
  readonly fields: SqlErrorFields

  constructor(message: string, fields: SqlErrorFields) {
    super(message)
    this.fields = fields
  }
}

/** Refuses what Redshift refuses; the hint names the behaviour. */
export function refuse(id: BehaviourId, message: string, code = '0A000'): never {
  throw new SqlError(message, { code, hint: `behaviour ${id}` })
}

/** Refuses what this server has not been taught. */
export function unknown(what: string): never {
  return refuse('sql.fail-closed', `the Redshift-shaped server does not know this: ${what}`)
}

export type Isolation = 'snapshot' | 'serializable'

export function conflict(isolation: Isolation): SqlError {
  if (isolation === 'snapshot') {
    return new SqlError('could not complete because of conflict with concurrent transaction', {
      code: 'XX000',
    })
  }
  return new SqlError('1023', {
    code: 'XX000',
    detail:
      'Serializable isolation violation on table - 107325, transactions forming the cycle are: 3, 4 (pid:5)',
  })
}

const SERIALIZATION_FAILURE = '40001'
const CARDINALITY_VIOLATION = '21000'
const CHECK_VIOLATION = '23514'

/** The type is the name of the domain by which it is kept. */
const OF_DOMAIN = /^value for domain (?:redshift_system\.)?"?(.*?)"? violates/

/** What the backend said, in Redshift's words. */
export function translated(error: unknown, isolation: Isolation): unknown {
  if (!(error instanceof pg.DatabaseError)) return error
  const { code = 'XX000', message, detail } = error
  if (code === SERIALIZATION_FAILURE) return conflict(isolation)
  if (code === CARDINALITY_VIOLATION && message.startsWith('MERGE')) {
    return new SqlError('Found multiple matches to update the same tuple.', {
      code: 'XX000',
      hint: 'behaviour merge.multiple',
    })
  }
  if (code === CHECK_VIOLATION) {
    const type = OF_DOMAIN.exec(message)?.[1] ?? 'its column'
    return unfit(type)
  }
  return new SqlError(message, { code, detail })
}

function unfit(type: string): SqlError {
  if (/^character|^binary/.test(type)) {
    return new SqlError(`value too long for type ${type}`, { code: '22001' })
  }
  if (type === 'super') {
    return new SqlError('Invalid input', {
      code: 'XX000',
      detail: 'String value exceeds the max size of 65535 bytes (8001)',
      hint: 'behaviour type.super-string',
    })
  }
  return new SqlError(`value out of range for type ${type}`, { code: '22003' })
}

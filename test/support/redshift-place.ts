/** A Redshift-shaped server of its own for Redshift targets, gone when it is disposed of. */

import { randomBytes } from 'node:crypto'

import { CodedError } from '../../src/core/errors.ts'
import type { ObjectStore } from '../../src/core/object-store.ts'
import type { TableName } from '../../src/core/table.ts'
import type { Target } from '../../src/core/target.ts'
import { MemoryStore } from '../../src/storage/memory-store.ts'
import { foldedTable, literal, qualified } from '../../src/targets/redshift/names.ts'
import { RedshiftTarget, type RedshiftOptions } from '../../src/targets/redshift/target.ts'
import type { TestPlace } from '../contract/target.ts'
import { BUCKET, bucketOf } from './bucket.ts'
import {
  startRedshift,
  type RedshiftOptions as Server,
  type RedshiftServer,
} from './redshift/server.ts'

export class RedshiftPlace implements TestPlace, AsyncDisposable {
  readonly server: RedshiftServer
  readonly store: ObjectStore
  readonly #targets: RedshiftTarget[] = []

  private constructor(server: RedshiftServer, store: ObjectStore) {
    this.server = server
    this.store = store
  }

  static async make(options: Partial<Server> = {}): Promise<RedshiftPlace> {
    const store = new MemoryStore()
    const server = await startRedshift({ store, bucket: `${BUCKET}/`, ...options })
    return new RedshiftPlace(server, store)
  }

  /** Closes what is open, and drops all that targets have made. */
  async empty(): Promise<void> {
    for (const target of this.#targets.splice(0)) await target.close()
    const target = await this.open()
    const schemas = await target.query(
      `SELECT DISTINCT schema_name AS name FROM svv_redshift_columns WHERE schema_name <> 'public'`,
    )
    for (const { name } of schemas) await target.query(`DROP SCHEMA "${String(name)}" CASCADE`)
    for await (const key of this.store.list('')) await this.store.delete(key)
  }

  open(who: Partial<RedshiftOptions> = {}): Promise<RedshiftTarget> {
    const { consumer = 'shop/warehouse', lakeId = 'lake' } = who
    const target = new RedshiftTarget({
      name: 'warehouse',
      url: this.server.url,
      lakeId,
      consumer,
      schema: 'millrace',
      iamRole: 'default',
      region: null,
      unfit: 'error',
      layoutOf: () => null,
      stage: {
        store: bucketOf(this.store),
        prefix: `_millrace/stage/warehouse/${lakeId}-`,
        newId: () => randomBytes(8).toString('hex'),
      },
      ...who,
    })
    this.#targets.push(target)
    return Promise.resolve(target)
  }

  /** The cluster ends its connections, or they are lost behind the commit. */
  breaking(point: string): Promise<RedshiftTarget> {
    let isBroken = false
    const at = (reached: string): Promise<void> => {
      if (reached !== point || isBroken) return Promise.resolve()
      isBroken = true
      if (point === 'committed') throw new CodedError('CONNECTION_LOST', 'lost')
      this.server.disconnectAll()
      return Promise.resolve()
    }
    return this.open({ at })
  }

  async rows(target: Target, name: TableName): Promise<(string | null)[][] | null> {
    const at = foldedTable(name)
    const columns = await (target as RedshiftTarget).query(
      `SELECT column_name AS name FROM svv_redshift_columns
       WHERE schema_name = ${literal(at.namespace)} AND table_name = ${literal(at.name)}
       ORDER BY ordinal_position`,
    )
    if (columns.length === 0) return null
    const names = columns.map((one) => `"${String(one['name']).replaceAll('"', '""')}"`)
    const rows = await (target as RedshiftTarget).query(
      `SELECT ${names.join(', ')} FROM ${qualified(at)} ORDER BY ${names[0]!}`,
    )
    return rows.map((row) => Object.values(row).map(textOf))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const target of this.#targets) await target.close()
    await this.server[Symbol.asyncDispose]()
  }
}

function textOf(value: unknown): string | null {
  if (value === null || typeof value === 'string') return value
  return value instanceof Date ? value.toISOString() : JSON.stringify(value)
}

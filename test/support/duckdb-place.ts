/** A DuckDB file of its own, in a folder that goes when it is disposed of. */

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { TableName } from '../../src/core/table.ts'
import type { Target } from '../../src/core/target.ts'
import { DuckdbTarget, type DuckdbOptions } from '../../src/targets/duckdb/target.ts'
import type { TestPlace } from '../contract/target.ts'

export class DuckdbPlace implements TestPlace, AsyncDisposable {
  readonly folder: string
  readonly path: string

  private constructor(folder: string) {
    this.folder = folder
    this.path = join(folder, 'ware house.duckdb')
  }

  static async make(): Promise<DuckdbPlace> {
    return new DuckdbPlace(await mkdtemp(join(tmpdir(), 'millrace duckdb ')))
  }

  open(who: Partial<DuckdbOptions> = {}): Promise<DuckdbTarget> {
    const defaults = { name: 'local', path: this.path, lakeId: 'lake', consumer: 'shop/local' }
    return DuckdbTarget.open({ ...defaults, threads: 1, ...who })
  }

  async rows(target: Target, { namespace, name }: TableName): Promise<(string | null)[][] | null> {
    assert.ok(target instanceof DuckdbTarget)
    const found = await target.query(
      `SELECT 1 AS x FROM duckdb_tables() WHERE schema_name = '${namespace}' AND table_name = '${name}'`,
    )
    if (found.length === 0) return null
    const place = [namespace, name].map((part) => `"${part.replaceAll('"', '""')}"`).join('.')
    const rows = await target.query(`SELECT CAST(COLUMNS(*) AS VARCHAR) FROM ${place} ORDER BY 1`)
    return rows.map((row) => Object.values(row) as (string | null)[])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true })
  }
}

import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'

import type { RawTable } from '../../../src/lake/ddl/dialect.ts'
import { GlueCatalog } from '../../../src/lake/ddl/glue-catalog.ts'
import { gluePartitions, glueTable } from '../../../src/lake/ddl/glue-tables.ts'
import { startGlueServer, type GlueServer } from '../../support/glue-server.ts'

const TABLE: RawTable = {
  name: 'app_orders_changes',
  url: 's3://increase-lake/shop/app/orders/cdc/',
  format: 'parquet',
  columns: [{ name: 'id', type: { kind: 'int8' } }],
  partitions: ['2026-11-23', '2026-11-24'],
}
const WIDER: RawTable = {
  ...TABLE,
  columns: [...TABLE.columns, { name: 'note', type: { kind: 'text' } }],
}
const CREDENTIALS = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' }

describe('the Glue catalog', () => {
  let server: GlueServer
  let catalog: GlueCatalog
  const earlier: Record<string, string | undefined> = {}

  before(() => {
    for (const [name, value] of Object.entries(CREDENTIALS)) {
      earlier[name] = process.env[name]
      process.env[name] = value
    }
  })
  after(() => {
    for (const name of Object.keys(CREDENTIALS)) {
      if (earlier[name] === undefined) delete process.env[name]
      else process.env[name] = earlier[name]
    }
  })
  beforeEach(async () => {
    server = await startGlueServer()
    catalog = await GlueCatalog.open({ database: 'lake', region: null, endpoint: server.url })
    await catalog.createDatabase()
  })

  afterEach(async () => {
    catalog.close()
    await server[Symbol.asyncDispose]()
  })

  test('gets a table that it has not, and is left alone when it has it', async () => {
    assert.equal(await catalog.put(glueTable(TABLE)), 'created')
    assert.equal(await catalog.put(glueTable(TABLE)), 'unchanged')
    assert.equal(server.calls.filter((call) => call === 'UpdateTable').length, 0)
  })

  test('gets a new column, and keeps what others noted on the table', async () => {
    await catalog.put(glueTable(TABLE))
    const stored = server.tables.get(TABLE.name)!
    const Parameters = { ...glueTable(TABLE).Parameters, owner: 'data team' }
    server.tables.set(TABLE.name, { ...stored, input: { ...stored.input, Parameters } })
    assert.equal(await catalog.put(glueTable(WIDER)), 'updated')
    const { input, version } = server.tables.get(TABLE.name)!
    assert.equal(version, 1)
    assert.deepEqual(input, {
      ...glueTable(WIDER),
      Parameters: { ...glueTable(WIDER).Parameters, owner: 'data team' },
    })
    assert.equal(await catalog.put(glueTable(WIDER)), 'unchanged')
  })

  test('is read again when somebody else was faster', async () => {
    await catalog.put(glueTable(TABLE))
    server.beforeUpdate = () => {
      const stored = server.tables.get(TABLE.name)!
      server.tables.set(TABLE.name, { ...stored, version: stored.version + 1 })
    }
    assert.equal(await catalog.put(glueTable(WIDER)), 'updated')
    assert.equal(server.calls.filter((call) => call === 'UpdateTable').length, 2)
  })

  test('gets a partition for each day, once', async () => {
    await catalog.put(glueTable(TABLE))
    await catalog.putPartitions(
      TABLE.name,
      gluePartitions({ ...TABLE, partitions: ['2026-11-23'] }),
    )
    await catalog.putPartitions(TABLE.name, gluePartitions(TABLE))
    assert.deepEqual([...server.tables.get(TABLE.name)!.partitions], ['2026-11-23', '2026-11-24'])
  })

  test('that refuses says why', async () => {
    const other = await GlueCatalog.open({ database: 'none', region: null, endpoint: server.url })
    const refusal = { code: 'CATALOG_REFUSED', message: /EntityNotFoundException/ }
    await assert.rejects(other.put(glueTable(TABLE)), refusal)
    other.close()
  })
})

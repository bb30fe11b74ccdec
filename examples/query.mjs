/**
 * Asks a DuckDB warehouse something: node examples/query.mjs FILE "SELECT …"
 *
 * DuckDB lets one process at a time open a file, so stop `millrace run` or the demo first.
 */

import { DuckDBInstance } from '@duckdb/node-api'

const [file, sql] = process.argv.slice(2)
if (!file || !sql) {
  console.error('usage: node examples/query.mjs FILE "SELECT …"')
  process.exit(2)
}

const instance = await DuckDBInstance.create(file, { access_mode: 'READ_ONLY' })
const connection = await instance.connect()
const reader = await connection.runAndReadAll(sql)
console.table(reader.getRowObjectsJson())

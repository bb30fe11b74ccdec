/**
 * Lets DuckDB load CSV files into a new table by itself: the floor of applying.
 *
 *   node load-files.js DATABASE FILE …       prints {"rows": …, "seconds": …} of the load alone
 */

import { DuckDBInstance } from '@duckdb/node-api'

const [database, ...files] = process.argv.slice(2)
const instance = await DuckDBInstance.create(database)
const connection = await instance.connect()
const list = files.map((file) => `'${file.replaceAll("'", "''")}'`).join(', ')
const startedAt = performance.now()
await connection.run(`CREATE TABLE loaded AS SELECT * FROM read_csv([${list}], header = true)`)
const seconds = (performance.now() - startedAt) / 1000
const reader = await connection.runAndReadAll('SELECT count(*)::int AS rows FROM loaded')
console.log(JSON.stringify({ rows: reader.getRows()[0]![0], seconds }))
connection.closeSync()
instance.closeSync()

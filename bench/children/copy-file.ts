/**
 * Copies a file of CSV into a table by itself: the floor of applying inserts to PostgreSQL.
 *
 *   node copy-file.js URL TABLE FILE       prints {"rows": …, "seconds": …} of the copy alone
 */

import { createReadStream } from 'node:fs'

import { connect } from '../../src/postgres/connect.ts'
import { CopyIn } from '../../src/postgres/copy-in.ts'

const [url, table, path] = process.argv.slice(2)
const client = await connect({ url: url!, applicationName: 'bench floor' })
const startedAt = performance.now()
const copy = client.query(new CopyIn(`COPY ${table} FROM STDIN (FORMAT csv)`))
await copy.started()
for await (const chunk of createReadStream(path!, { highWaterMark: 256 * 1024 })) {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- no encoding was asked for
  await copy.write(chunk as Buffer)
}
const rows = await copy.finish()
const seconds = (performance.now() - startedAt) / 1000
console.log(JSON.stringify({ rows, seconds }))
await client.end()

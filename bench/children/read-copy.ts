/**
 * Reads a COPY to its end and forgets it: the floor of loading where there is no psql.
 *
 *   node read-copy.js URL SQL
 */

import { connect } from '../../src/postgres/connect.ts'
import { CopyStream } from '../../src/postgres/copy-stream.ts'

const [url, sql] = process.argv.slice(2)
const client = await connect({ url: url!, applicationName: 'bench floor' })
const copy = client.query(new CopyStream(sql!))
while ((await copy.next()) !== null);
await client.end()

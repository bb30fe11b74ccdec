/**
 * Reads a slot into a file until the log is beyond a place, and does nothing else: the floor of
 * streaming where there is no pg_recvlogical.
 *
 *   node read-slot.js URL SLOT PUBLICATION END FILE
 */

import { open } from 'node:fs/promises'

import { parseLsn } from '../../src/core/lsn.ts'
import { connect } from '../../src/postgres/connect.ts'
import { CopyStream, FrameCursor } from '../../src/postgres/copy-stream.ts'

const [url, slot, publication, end, path] = process.argv.slice(2)
const client = await connect({ url: url!, applicationName: 'bench floor', isReplication: true })
const copy = client.query(
  new CopyStream(
    `START_REPLICATION SLOT ${slot} LOGICAL 0/0 (proto_version '1', publication_names '${publication}')`,
  ),
)
await copy.started()
await using file = await open(path!, 'w')
const wanted = parseLsn(end!)
const frames = new FrameCursor()
let isOver = false
while (!isOver) {
  const block = await copy.next()
  if (block === null) throw new Error('the server ended the stream')
  frames.open(block)
  // XLogData and keepalives both say where they stand right behind their kind.
  while (!isOver && frames.next()) isOver = block.readBigUInt64BE(frames.start + 1) > wanted
  await file.writeFile(block)
}
await file.sync()
copy.destroy()

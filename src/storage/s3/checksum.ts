/**
 * Checksums that the server compares with what arrived.
 *
 * AWS keeps a CRC with the object, for whoever reads it. Other servers do not all know that header,
 * but all know `Content-MD5`.
 */

import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'

export function crc(bytes: Uint8Array): string {
  const sum = Buffer.alloc(4)
  sum.writeUInt32BE(crc32(bytes))
  return sum.toString('base64')
}

export function md5(bytes: Uint8Array): string {
  return createHash('md5').update(bytes).digest('base64')
}

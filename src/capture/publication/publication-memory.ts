/**
 * When tables came into our publication, as the publication itself remembers it.
 *
 * A table that was out of it for a while lacks the changes of that time, and has to be loaded again,
 * also if we are killed in between. So the note is made in the transaction that adds the table, as the
 * comment of the publication: `millrace: {"16412":"0/1A2B3C"}`, LSNs by OID.
 */

import { formatLsn, parseLsn, type Lsn } from '../../core/lsn.ts'
import { quoteIdentifier, quoteLiteral } from '../../postgres/quote.ts'

const PREFIX = 'millrace: '

/** Nothing if the comment is somebody else's. */
export function rememberedIn(comment: string | null): Map<number, Lsn> {
  if (comment === null || !comment.startsWith(PREFIX)) return new Map()
  const found = [...comment.matchAll(/"(\d+)":"([0-9A-F]+\/[0-9A-F]+)"/g)]
  return new Map(found.map(([, oid, lsn]) => [Number(oid), parseLsn(lsn!)]))
}

export function remembering(publication: string, added: ReadonlyMap<number, Lsn>): string {
  const notes = Object.fromEntries([...added].map(([oid, lsn]) => [oid, formatLsn(lsn)]))
  const comment = quoteLiteral(`${PREFIX}${JSON.stringify(notes)}`)
  return `COMMENT ON PUBLICATION ${quoteIdentifier(publication)} IS ${comment}`
}

/** The command that starts the stream, with what this server can send. */

import type { Client } from 'pg'

import { quoteIdentifier, quoteReplicationLiteral } from '../../postgres/quote.ts'
import { HAS_DDL_TRIGGER, MESSAGES_SINCE } from '../tables/ddl-trigger.ts'
import { serverVersion } from './replication-commands.ts'

/** Protocol 2 came with 14. */
const STREAMING_SINCE = 140_000

export interface StreamWishes {
  readonly slot: string
  /** Name of the publication. */
  readonly publication: string
  /** Large transactions may be streamed before they end. */
  readonly mayStream: boolean
}

export interface StreamCommand {
  readonly sql: string
  readonly isStreaming: boolean
}

/**
 * Messages are asked for only if our trigger writes some: all others come too then, and an application
 * may use them for what is large and many.
 */
export async function streamCommand(
  client: Client,
  { slot, publication, mayStream }: StreamWishes,
): Promise<StreamCommand> {
  const version = await serverVersion(client)
  const isStreaming = mayStream && version >= STREAMING_SINCE
  const hasMessages = version >= MESSAGES_SINCE && (await hasDdlTrigger(client))
  const options = [
    `proto_version '${isStreaming ? 2 : 1}'`,
    `publication_names ${quoteReplicationLiteral(quoteIdentifier(publication))}`,
    ...(isStreaming ? [`streaming 'on'`] : []),
    ...(hasMessages ? [`messages 'true'`] : []),
  ]
  const sql = `START_REPLICATION SLOT ${quoteIdentifier(slot)} LOGICAL 0/0 (${options.join(', ')})`
  return { sql, isStreaming }
}

async function hasDdlTrigger(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ installed: boolean }>(
    `select ${HAS_DDL_TRIGGER} as installed`,
  )
  return rows[0]!.installed
}

/** A transaction on a connection to a server, and its end whatever happens. */

import type { SqlSession } from './session.ts'

export interface ServerSession extends SqlSession {
  /** The connection is gone, and with it whatever was not committed. */
  readonly isLost: boolean
  close(): Promise<void>
}

export async function transaction<T>(session: ServerSession, work: () => Promise<T>): Promise<T> {
  await session.run('BEGIN')
  try {
    const result = await work()
    await session.run('COMMIT')
    return result
  } catch (error) {
    await rollback(session)
    throw error
  }
}

/** What went wrong before matters more than what goes wrong here. */
export async function rollback(session: ServerSession): Promise<void> {
  try {
    if (!session.isLost) await session.run('ROLLBACK')
  } catch {
    await session.close()
  }
}

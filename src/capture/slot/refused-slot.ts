/**
 * Why the server refused the slot.
 *
 * It has one code for everything that it cannot do at present: the slot was given up, `wal_level` is
 * too low, it is a standby. So the slot is looked at again, which tells the first of them apart.
 */

import { fromPostgres, foreignCode } from '../../postgres/sqlstate.ts'
import { checkSlot, type SlotInfo } from './slot.ts'

const NOT_IN_PREREQUISITE_STATE = '55000'

/** The error in our words. `read` is asked only if the slot may be the reason. */
export async function whyRefused(
  error: unknown,
  read: () => Promise<SlotInfo | null>,
): Promise<unknown> {
  const known = fromPostgres(error)
  if (foreignCode(error) !== NOT_IN_PREREQUISITE_STATE) return known
  const slot = await read()
  if (slot === null) return known
  try {
    checkSlot(slot)
    return known
  } catch (reason) {
    return reason
  }
}

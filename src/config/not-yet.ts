/**
 * Keys that are part of the format and that this version does not obey yet.
 *
 * They are known, so that nobody is told that `lake.keep` is a misspelling, and they are refused, so
 * that nobody believes a setting that has no effect.
 */

import { z } from 'zod'

export const NOT_YET = 'is not in this version yet'

/** A key that may not be given. `about` says what it will do. */
export function notYet(about: string) {
  return z.never({ error: NOT_YET }).optional().describe(about)
}

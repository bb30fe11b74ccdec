/** Patterns of tables, as source and targets have them. */

import { z } from 'zod'

const TABLE = /^!?[^.!\s][^.]*\.[^.]+$/

export const tablePattern = z
  .string()
  .regex(TABLE, 'expected schema.table, where * stands for any text, such as app.* or !app.audit_*')

/** All tables if left out. */
export function tablePatterns(about: string): z.ZodPrefault<z.ZodArray<z.ZodString>> {
  return z
    .array(tablePattern)
    .min(1, 'expected at least one pattern')
    .refine((patterns) => patterns.some((one) => !one.startsWith('!')), {
      error: 'only excludes tables; begin with a pattern that includes some, such as *.*',
    })
    .prefault(['*.*'])
    .describe(about)
}

/** "Please load this table for me": what a consumer asks of capture, and what answers it. */

import type { TableId } from './table.ts'

export interface LoadRequest {
  readonly table: TableId
  /** `task/target`. */
  readonly consumer: string
  /** Head of the log when the request was made. */
  readonly after: number
  /** UTC time of asking, ISO 8601. */
  readonly at: string
}

/** Whether the load, once it is complete, is what the request asked for. */
export function answers(
  load: { readonly since: number; readonly for: 'all' | readonly string[] },
  { consumer, after }: LoadRequest,
): boolean {
  return load.since >= after && (load.for === 'all' || load.for.includes(consumer))
}

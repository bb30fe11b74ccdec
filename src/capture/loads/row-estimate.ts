/**
 * How many rows a table has, as well as it can be known without counting them.
 *
 * As the planner does it: the rows on a page, as the last ANALYZE or VACUUM found them, times the
 * pages that there are now. Whoever asks holds a lock on the table, so its size is told at once. A
 * table that was never looked at has no estimate, which is better than a wrong one.
 */

import type { Client } from 'pg'

const ESTIMATE = `
  with leaf as (
    select c.reltuples::float8 as tuples, c.relpages as known,
           pg_relation_size(c.oid) / current_setting('block_size')::float8 as pages
      from pg_class c
     where c.relkind = 'r'
       and c.oid in (select $1::oid union select relid from pg_partition_tree($1)))
  select sum(case when pages = 0 then 0 else tuples / nullif(known, 0) * pages end) as rows,
         bool_and(pages = 0 or known > 0 and tuples >= 0) as "isKnown"
    from leaf`

interface EstimateRow {
  readonly rows: number | null
  readonly isKnown: boolean | null
}

/** `null` if there is none. */
export async function estimateRows(client: Client, oid: number): Promise<number | null> {
  const { rows } = await client.query<EstimateRow>(ESTIMATE, [oid])
  const { rows: estimate, isKnown } = rows[0]!
  return isKnown && estimate !== null ? Math.round(estimate) : null
}

/**
 * The partitions of a table, of which the stream tells nothing when all rows go by the name of its root.
 *
 * A partition with rows may be attached or detached, and TRUNCATE of one partition is not sent. So the
 * partitions are compared with those that the log has last noted: which there are, and where each is
 * stored, for TRUNCATE gives it another file. Each is written `oid:file`, or `oid` alone after a
 * TRUNCATE of the whole table, which the stream does tell.
 */

import type { Client } from 'pg'

import type { LoadableTable } from '../source.ts'

export interface PartitionChanges {
  /** OIDs of those that are new. */
  readonly attached: readonly number[]
  readonly detached: number
  /** Stored in another file. */
  readonly rewritten: number
}

/** `null` if there is nothing to note. */
export function partitionChanges(
  before: readonly string[],
  now: readonly string[],
): PartitionChanges | null {
  if (before.join() === now.join()) return null
  const files = new Map(before.map((partition) => parsed(partition)))
  const attached: number[] = []
  let rewritten = 0
  for (const [oid, file] of now.map(parsed)) {
    const known = files.get(oid)
    if (known === undefined) attached.push(oid)
    else if (known !== null && known !== file) rewritten++
    files.delete(oid)
  }
  return { attached, detached: files.size, rewritten }
}

function parsed(partition: string): [oid: number, file: string | null] {
  const [oid, file = null] = partition.split(':')
  return [Number(oid), file]
}

const PARTITIONS = `
  with recursive tree as (
    select c.oid as root, c.oid from pg_class c where c.oid = any ($1::oid[]) and c.relkind = 'p'
    union all
    select t.root, i.inhrelid from tree t join pg_inherits i on i.inhparent = t.oid)
  select t.root::int8::float8 as root,
         coalesce(json_agg(c.oid || ':' || c.relfilenode order by c.oid)
                  filter (where c.relkind <> 'p'), '[]') as partitions
    from tree t join pg_class c on c.oid = t.oid group by t.root`

/** The tables, each with its partitions if it has such. No lock is needed. */
export async function withPartitions(
  client: Client,
  tables: readonly LoadableTable[],
): Promise<readonly LoadableTable[]> {
  const oids = tables.map(({ oid }) => oid)
  const { rows } = await client.query<{ root: number; partitions: readonly string[] }>(PARTITIONS, [
    oids,
  ])
  if (rows.length === 0) return tables
  const found = new Map(rows.map(({ root, partitions }) => [root, partitions]))
  return tables.map((table) => {
    const partitions = found.get(table.oid)
    return partitions ? { ...table, partitions } : table
  })
}

/**
 * How long ago, in transactions, the partition or the last of its parents was attached, and the place
 * of that in its transaction; and whether we may look into the partition.
 */
const ATTACHED = `
  with recursive path as (
    select i.inhparent, i.xmin, i.cmin from pg_inherits i where i.inhrelid = $1
    union all
    select i.inhparent, i.xmin, i.cmin from path p join pg_inherits i on i.inhrelid = p.inhparent)
  select age(xmin) as age, cmin::text::int8::float8 as command,
         $1::oid::regclass::text as name, has_table_privilege($1::oid, 'SELECT') as "maySelect"
    from path where to_regclass($1::oid::regclass::text) is not null
   order by age(xmin), cmin::text::int8 desc limit 1`

interface Attached {
  readonly age: number
  readonly command: number
  readonly name: string
  readonly maySelect: boolean
}

/**
 * Whether the partition has rows that are older than its being one: those never came by the stream.
 * True where we cannot know.
 */
export async function hadRows(client: Client, partition: number): Promise<boolean> {
  await client.query('begin isolation level repeatable read read only')
  try {
    const { rows } = await client.query<Attached>(ATTACHED, [partition])
    const attached = rows[0]
    // It is a partition no longer: the next look finds that.
    if (attached === undefined) return false
    if (!attached.maySelect) return true
    const { rows: found } = await client.query<{ exists: boolean }>(
      `select exists (select from only ${attached.name} p where age(p.xmin) > $1
                        or age(p.xmin) = $1 and p.cmin::text::int8 < $2) as exists`,
      [attached.age, attached.command],
    )
    return found[0]!.exists
  } finally {
    await client.query('rollback')
  }
}

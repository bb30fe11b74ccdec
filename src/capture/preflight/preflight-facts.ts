/**
 * What there is to know of a source before it is replicated. Nothing is changed, and nothing waits:
 * not one of the queries needs a lock on a table, so that somebody's long ALTER does not keep us.
 */

import type { Client } from 'pg'

import type { TableName } from '../../core/table.ts'
import { listTables, type SourceTable } from '../../postgres/catalog.ts'
import type { RowMemory } from '../../postgres/row-memory.ts'
import { readSlot, type SlotInfo } from '../slot/slot.ts'
import type { Exclusions } from '../stream/exclusions.ts'
import { HAS_DDL_TRIGGER } from '../tables/ddl-trigger.ts'
import { readPublication, type PublicationFacts } from './publication-facts.ts'

/** What the task needs of its source. */
export interface Wanted {
  readonly slot: string
  readonly publication: { readonly name: string; readonly isOurs: boolean }
  readonly isSelected: (name: TableName) => boolean
  /** As in the configuration, so that a name that fits nothing is noticed. */
  readonly patterns: readonly string[]
  /** Standbys shall keep a copy of the slot. */
  readonly failover: boolean
  readonly columns?: Exclusions
}

export interface SourceFacts {
  readonly server: ServerFacts
  readonly slot: SlotInfo | null
  readonly publication: PublicationFacts | null
  /** Those that are selected. */
  readonly tables: readonly TableFacts[]
  /** Selected by name, but not of a kind that can be replicated. */
  readonly others: readonly OtherRelation[]
}

export interface ServerFacts {
  /** `180004`. */
  readonly version: number
  /** `18.4`. */
  readonly versionText: string
  readonly database: string
  readonly user: string
  readonly isRds: boolean
  readonly isStandby: boolean
  readonly walLevel: string
  readonly mayReplicate: boolean
  /** CREATE on the database. */
  readonly mayCreate: boolean
  readonly slots: Places
  readonly senders: Places
  /** max_slot_wal_keep_size; `null` if there is no limit. */
  readonly keepBytes: number | null
  /** idle_replication_slot_timeout, 18 and later; 0 if there is none. */
  readonly idleTimeoutMs: number
  /** wal_sender_timeout; 0 if there is none. */
  readonly senderTimeoutMs: number
  /** synchronized_standby_slots; `null` before 17. */
  readonly standbySlots: string | null
  readonly hasStandbyFeedback: boolean
  /** The one of `ddl-trigger.ts`, enabled. */
  readonly hasDdlTrigger: boolean
}

interface Places {
  readonly max: number
  readonly used: number
}

export interface TableFacts extends SourceTable {
  readonly owner: string
  /** By us. */
  readonly isOwned: boolean
  readonly maySelect: boolean
  /** USAGE on its schema. */
  readonly mayEnter: boolean
  /** Row security would hide rows from us. */
  readonly isRowSecured: boolean
  readonly hasPrimaryKey: boolean
  readonly isKeyDeferrable: boolean
  /** Of the partitions, those whose rows cannot be found again. */
  readonly keylessPartitions: readonly TableName[]
  /** Names of the generated columns, which are not replicated. */
  readonly generated: readonly string[]
  /** It has REPLICA IDENTITY FULL, or one of its partitions has. */
  readonly hasFullIdentity: boolean
  /** Names of the columns of its replica identity and of those of its partitions. */
  readonly identityColumns: readonly string[]
}

export interface OtherRelation {
  readonly name: TableName
  readonly kind: 'view' | 'materialized view' | 'foreign table' | 'unlogged table' | 'partition'
}

export async function readFacts(
  client: Client,
  wanted: Wanted,
  memory: RowMemory,
): Promise<SourceFacts> {
  const all = await listTables(client, memory)
  const selected = memory.derive('selected tables', [all], () => {
    return all.filter(({ name }) => wanted.isSelected(name))
  })
  return {
    server: await readServer(client),
    slot: await readSlot(client, wanted.slot),
    publication: await readPublication(client, wanted.publication.name, memory),
    tables: await readTables(client, selected, memory),
    others: await readOthers(client, wanted.isSelected, memory),
  }
}

/** pg_settings says in which unit a number stands, and leaves out what a version does not have. */
const SERVER = `
  select current_setting('server_version_num')::int as version,
         split_part(current_setting('server_version'), ' ', 1) as "versionText",
         current_database() as database, current_user as "user",
         pg_is_in_recovery() as "isStandby",
         exists (select from pg_roles where rolname = 'rds_replication') as "isRds",
         current_setting('wal_level') as "walLevel",
         (select rolreplication or rolsuper from pg_roles where rolname = current_user)
           or exists (select from pg_roles r where r.rolname = 'rds_replication'
                        and pg_has_role(current_user, r.oid, 'member')) as "mayReplicate",
         has_database_privilege(current_database(), 'CREATE') as "mayCreate",
         json_build_object('max', current_setting('max_replication_slots')::int,
                           'used', (select count(*) from pg_replication_slots)) as slots,
         json_build_object('max', current_setting('max_wal_senders')::int,
                           'used', (select count(*) from pg_stat_replication)) as senders,
         (select nullif(setting, '-1')::float8 * 1024 * 1024 from pg_settings
           where name = 'max_slot_wal_keep_size') as "keepBytes",
         coalesce((select setting::float8 * case unit when 's' then 1000 else 60000 end
                     from pg_settings where name = 'idle_replication_slot_timeout'), 0)
           as "idleTimeoutMs",
         (select setting::float8 from pg_settings where name = 'wal_sender_timeout')
           as "senderTimeoutMs",
         (select setting from pg_settings where name = 'synchronized_standby_slots')
           as "standbySlots",
         current_setting('hot_standby_feedback')::bool as "hasStandbyFeedback",
         ${HAS_DDL_TRIGGER} as "hasDdlTrigger"`

export async function readServer(client: Client): Promise<ServerFacts> {
  const { rows } = await client.query<ServerFacts>(SERVER)
  return rows[0]!
}

const NO_IDENTITY = `
  (c.relreplident = 'n' or c.relreplident = 'd' and not exists (
    select from pg_index i
     where i.indrelid = c.oid and i.indisprimary and i.indimmediate and i.indisvalid))`

const RIGHTS = `
  with recursive tree as (
    select c.oid as root, c.oid from pg_class c where c.oid = any ($1::oid[])
    union all
    select t.root, i.inhrelid
      from tree t join pg_class p on p.oid = t.oid and p.relkind = 'p'
      join pg_inherits i on i.inhparent = t.oid),
  keyless as (
    select t.root, json_agg(json_build_object('namespace', n.nspname, 'name', c.relname)
                            order by n.nspname, c.relname) as partitions
      from tree t join pg_class c on c.oid = t.oid join pg_namespace n on n.oid = c.relnamespace
     where t.oid <> t.root and c.relkind = 'r' and ${NO_IDENTITY} group by t.root),
  identity as (
    select t.root, bool_or(c.relreplident = 'f') as is_full,
           to_json(array_agg(distinct a.attname::text) filter (where a.attname is not null)) as columns
      from tree t join pg_class c on c.oid = t.oid and c.relkind = 'r'
      left join pg_index i on i.indrelid = c.oid
       and case c.relreplident when 'i' then i.indisreplident when 'd' then i.indisprimary end
      left join pg_attribute a on a.attrelid = c.oid and a.attnum = any (i.indkey)
     group by t.root)
  select c.oid, pg_get_userbyid(c.relowner) as owner,
         pg_has_role(c.relowner, 'USAGE') as "isOwned",
         has_table_privilege(c.oid, 'SELECT') as "maySelect",
         has_schema_privilege(c.relnamespace, 'USAGE') as "mayEnter",
         row_security_active(c.oid) as "isRowSecured",
         exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary) as "hasPrimaryKey",
         exists (select from pg_index i
                  where i.indrelid = c.oid and i.indisprimary and not i.indimmediate) as "isKeyDeferrable",
         coalesce(keyless.partitions, '[]') as "keylessPartitions",
         coalesce((select json_agg(a.attname) from pg_attribute a
                    where a.attrelid = c.oid and a.attgenerated <> '' and not a.attisdropped),
                  '[]') as generated,
         coalesce(identity.is_full, c.relreplident = 'f') as "hasFullIdentity",
         coalesce(identity.columns, '[]') as "identityColumns"
    from unnest($1::oid[]) as selected (oid) join pg_class c on c.oid = selected.oid
    left join keyless on keyless.root = c.oid left join identity on identity.root = c.oid`

type Rights = Omit<TableFacts, keyof SourceTable>

/** A table that was dropped between the two queries is left out. */
async function readTables(
  client: Client,
  tables: readonly SourceTable[],
  memory: RowMemory,
): Promise<readonly TableFacts[]> {
  const found = await memory.query(client, {
    sql: RIGHTS,
    parameters: [tables.map(({ oid }) => oid)],
    read: (rows: readonly (Rights & { oid: number })[]) => rows,
  })
  return memory.derive('tables and rights', [tables, found], () => {
    const byOid = new Map(found.map((row) => [row.oid, row]))
    return tables.flatMap((table) => {
      const rights = byOid.get(table.oid)
      return rights === undefined ? [] : [{ ...rights, ...table }]
    })
  })
}

const OTHERS = `
  select n.nspname as namespace, c.relname as name,
         case c.relkind when 'v' then 'view' when 'm' then 'materialized view'
                        when 'f' then 'foreign table'
                        else case when c.relispartition then 'partition' else 'unlogged table' end
         end as kind
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
   where (c.relkind in ('v', 'm', 'f') or c.relkind in ('r', 'p') and c.relpersistence <> 't'
           and (c.relispartition or c.relpersistence = 'u'))
     and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname not like 'pg\\_%'
   order by n.nspname, c.relname`

async function readOthers(
  client: Client,
  isSelected: Wanted['isSelected'],
  memory: RowMemory,
): Promise<readonly OtherRelation[]> {
  const read = (rows: readonly (TableName & Pick<OtherRelation, 'kind'>)[]): OtherRelation[] =>
    rows
      .map(({ namespace, name, kind }) => ({ name: { namespace, name }, kind }))
      .filter(({ name }) => isSelected(name))
  return memory.query(client, { sql: OTHERS, read })
}

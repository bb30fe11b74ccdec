/**
 * The table that is streamed and loaded: 12 columns, about 200 bytes a row as text.
 *
 * Half of the titles hold a comma and every jsonb value holds quotes, so that a CSV writer has work
 * to do; a third of the notes are NULL.
 */

import { parseLsn, type Lsn } from '../src/core/lsn.ts'
import type { Bench } from './bench.ts'

export const PUBLICATION = 'bench'

const COLUMNS = `
  id int8 primary key, tenant int8 not null, status text not null, email text not null,
  title text not null, amount numeric(12,2) not null, tax numeric(12,4) not null,
  created_at timestamptz not null, updated_at timestamptz not null, attributes jsonb not null,
  is_active bool not null, note text`

const ROW = `
  i, i % 997, (array['new','paid','shipped','returned'])[1 + i % 4],
  'customer' || i || '@example.com',
  'Order ' || i || case when i % 2 = 0 then ', to be sent' else ' to be fetched' end,
  (i % 100000) / 100.0, (i % 77777) / 1000.0,
  timestamptz '2026-01-01' + i * interval '1 second',
  timestamptz '2026-06-01' + i * interval '1 millisecond',
  jsonb_build_object('colour', (array['red','green','blue'])[1 + i % 3], 'size', i % 50),
  i % 10 <> 0, case when i % 3 <> 0 then 'note of row ' || i end`

const UPDATE = `
  update bench.rows set status = 'paid', amount = amount + 1, updated_at = clock_timestamp()`

/** The number of rows in a transaction of the workload of many. */
const TRANSACTION_ROWS = 1_000

/** Makes the table anew, with rows 1 to `rows`. */
export async function createTable(bench: Bench, rows: number): Promise<void> {
  await bench.sql(`
    drop publication if exists ${PUBLICATION};
    drop schema if exists bench cascade;
    create schema bench;
    create table bench.rows (${COLUMNS}) with (autovacuum_enabled = off);
    create table bench.mark (id int4 primary key);
    insert into bench.mark values (1);
    create publication ${PUBLICATION} for table bench.rows, bench.mark
      with (publish_via_partition_root = true)`)
  await bench.sql(insertSql(1, rows))
}

/** Half inserts and half updates, 1,000 in each transaction. The table has `changes / 2` rows before. */
export async function changeInManyTransactions(bench: Bench, changes: number): Promise<void> {
  const half = changes / 2
  const each = TRANSACTION_ROWS / 2
  await bench.sql(`do $$ begin
    for k in 0..${half / each - 1} loop
      insert into bench.rows select ${ROW}
        from generate_series(${half} + k * ${each} + 1, ${half} + (k + 1) * ${each}) i;
      ${UPDATE} where id between k * ${each} + 1 and (k + 1) * ${each};
      commit;
    end loop;
  end $$`)
}

/** The first `changes` rows, all in one transaction. */
export async function changeInOneTransaction(bench: Bench, changes: number): Promise<void> {
  await bench.sql(`${UPDATE} where id <= ${changes}`)
}

/**
 * Where the log stands now. One more transaction follows, so that whoever waits for this place sees
 * that it is reached.
 */
export async function endOfWorkload(bench: Bench): Promise<Lsn> {
  const end = await markEnd(bench)
  await bench.sql('checkpoint')
  return end
}

/** The same for readers that are at work already: nothing is made to wait for the disk. */
export async function markEnd(bench: Bench): Promise<Lsn> {
  const [row] = await bench.sql<{ lsn: string }>('select pg_current_wal_insert_lsn() as lsn')
  await bench.sql('update bench.mark set id = id + 1')
  return parseLsn(row!.lsn)
}

export function insertSql(from: number, to: number): string {
  return `insert into bench.rows select ${ROW} from generate_series(${from}, ${to}) i`
}

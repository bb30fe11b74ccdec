/**
 * The tables of the crash test: one for each way in which rows are found again.
 *
 * Initial rows are many enough that the first load can be killed on its way.
 */

import type { TestDatabase } from '../../support/postgres.ts'

const TABLES = `
create schema app;
create table app.serial_rows (id serial primary key, name text not null, amount numeric(12,2), note text, at timestamptz not null default now());
create table app.composite (a int, b text, value text, flag bool, primary key (b, a));
create table app.text_keys (code text primary key, n bigint, doc jsonb);
create table app.toasted (id int primary key, body text, small text);
alter table app.toasted alter column body set storage external;
create table app.full_identity (id int primary key, x text, y float8, body text);
alter table app.full_identity alter column body set storage external;
alter table app.full_identity replica identity full;
create table app.index_identity (id int primary key, handle text not null, v int, body text);
alter table app.index_identity alter column body set storage external;
create unique index handle_before on app.index_identity (handle);
alter table app.index_identity replica identity using index handle_before;
alter index app.handle_before rename to handle_after;
create table app.bulk (id bigint primary key, part int, payload text);`

const ROWS = `
insert into app.serial_rows (name, amount, note)
  select 'name ' || g, g / 7.0, case when g % 3 = 0 then 'note, "' || g || E'"\\n' end from generate_series(1, 5000) g;
insert into app.composite
  select g, chr(97 + g % 26), nullif(repeat('v', g % 5), ''), g % 2 = 0 from generate_series(1, 500) g;
insert into app.text_keys select 'k' || g, g, jsonb_build_object('g', g, 'text', 'é🚀') from generate_series(1, 500) g;
insert into app.toasted select g, repeat(md5(g::text), 100), 'small' from generate_series(1, 300) g;
insert into app.full_identity select g, 'x' || g, g / 3.0, repeat(md5(g::text), 90) from generate_series(1, 300) g;
insert into app.index_identity select g, 'h' || g, g, repeat(md5(g::text), 90) from generate_series(1, 300) g;
insert into app.bulk select g, g % 100, repeat(md5(g::text), 3) from generate_series(1, 200000) g;`

export async function createMillTables(database: TestDatabase): Promise<void> {
  await database.query(TABLES)
  await database.query(ROWS)
}

/** A column for rows that exist already, which the log can tell only by its default. */
export const ADDED_COLUMNS = [
  `alter table app.toasted add column added int not null default 7`,
  `alter table app.serial_rows add column added text default 'a, "b"'`,
]

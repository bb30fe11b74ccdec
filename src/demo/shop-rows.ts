/**
 * The rows of the demo shop, made by the server itself in a few seconds.
 *
 * Everything follows from the number of the row, so the same scale gives the same rows on any
 * machine. `n` spreads out by multiplication with primes, which is random enough for a shop.
 */

import pg from 'pg'

import { ODD_TEXTS } from './odd-texts.ts'

/** Statements that fill the tables, in the order that foreign keys ask for. */
export function shopRows(scale: number): readonly string[] {
  const count = (rows: number) => Math.max(1, Math.round(rows * scale))
  const customers = count(20_000)
  const products = count(2_000)
  const orders = count(50_000)
  return [
    customerRows(customers),
    productRows(products),
    orderRows(orders, customers),
    orderLineRows(orders, products),
    paymentRows(),
    cardTransactionRows(),
    eventRows(count(60_000), customers),
    documentRows(count(1_000)),
    ...[
      'app.customers',
      'app.products',
      'app.orders',
      'analytics.events',
      'analytics.documents',
    ].map(
      (table) =>
        `select setval(pg_get_serial_sequence('${table}', 'id'), (select max(id) from ${table}))`,
    ),
  ]
}

/** An odd text, chosen by an integer expression. */
function text(by: string): string {
  return `(array[${ODD_TEXTS.map((odd) => pg.escapeLiteral(odd)).join(',')}])[1 + (${by}) % ${ODD_TEXTS.length}]`
}

function time(seconds: string): string {
  return `timestamptz '2026-01-01 00:00:00+00' + (${seconds}) * interval '1.000007 second'`
}

function customerRows(customers: number): string {
  return `
insert into app.customers
select n, md5('customer' || n)::uuid, 'customer' || n || '@example.com', ${text('n * 7')},
  case when n % 3 = 0 then ${text('n')} end,
  (enum_range(null::app.tier))[1 + n % 4],
  case when n % 11 <> 0 then n % 2 = 0 end,
  case when n % 5 <> 0 then date '1940-02-29' + n % 25000 end,
  case when n % 4 <> 0 then (n * 7919 % 10000000) / 100.0 - 500 end,
  case n % 4 when 0 then null when 1 then '{}' when 2 then array[${text('n')}, null, ${text('n + 1')}]
    else array['vip', 'NULL', 'a "b" \\c'] end,
  jsonb_build_object('newsletter', n % 2 = 0, 'greeting', ${text('n')}, 'seen', jsonb_build_array(n, n / 7.0, null)),
  ${time('n * 977')},
  timestamp '2026-03-29 01:59:59.999999' + n * interval '1 minute'
from generate_series(1, ${customers}) n`
}

function productRows(products: number): string {
  return `
insert into app.products
select n, 'SKU-' || lpad(n::text, 6, '0'), 'Product ' || n || ' ' || ${text('n')},
  case when n % 6 <> 0 then repeat(${text('n')} || ' ', n % 40) end,
  (n * 7919 % 100000) / 100.0, (n / 7.0)::real,
  case when n % 97 = 0 then 'NaN' else n / 3.0 end,
  case when n % 4 <> 0 then array[n, n * 2, null, -n] end,
  case when n % 3 <> 0 then decode(md5(n::text), 'hex') end,
  case when n % 5 <> 0 then time '00:00' + n * interval '41.5 second' end,
  n % 50 = 0
from generate_series(1, ${products}) n`
}

function orderRows(orders: number, customers: number): string {
  return `
insert into app.orders
select n, 1 + n * 7919::bigint % ${customers},
  (enum_range(null::app.order_status))[1 + n % 5],
  ${time('n * 389')},
  case when n % 5 > 2 then date '2026-01-02' + n / 300 end,
  case when n % 3 <> 0 then make_interval(months => n % 3, days => n % 9 - 2, secs => n % 100000 / 7.0) end,
  case when n % 8 = 0 then ${text('n / 8')} end,
  (n * 104729::bigint % 100000000) / 100.0
from generate_series(1, ${orders}) n`
}

function orderLineRows(orders: number, products: number): string {
  return `
insert into app.order_lines
select n, line, 1 + (n * 31 + line * 17) % ${products}, 1 + (n + line) % 9,
  ((n + line) * 7919::bigint % 100000) / 100.0,
  case (n + line) % 6
    when 0 then null when 1 then 0 when 2 then 0.10 when 3 then 1e-20
    when 4 then 12345678901234567890123456789.000000000100 else 'NaN' end
from generate_series(1, ${orders}) n, generate_series(1, 1 + n % 3) line`
}

function paymentRows(): string {
  return `
insert into billing.payments
select md5('payment' || id)::uuid, id, total, (array['EUR', 'USD', 'JPY'])[1 + id % 3],
  case when id % 4 <> 0 then total * 0.029 + 0.3 end, 1 + id / 1e6, placed_at + interval '1.5 minute',
  case when id % 10 = 0 then decode(repeat(md5(id::text), 8), 'hex') end
from app.orders where id % 5 <> 0`
}

function cardTransactionRows(): string {
  return `
insert into billing.card_transactions
select (array['visa', 'mastercard', 'amex "black"'])[1 + order_id % 3], 'T' || order_id,
  case when order_id % 7 <> 0 then id end, amount, '**** ' || lpad((order_id % 10000)::text, 4, '0'),
  case when order_id % 3 = 0 then '{}' else array[0, (order_id % 100)::int] end,
  json_build_object('terminal', order_id % 50, 'merchant', ${text('order_id')}),
  (paid_at at time zone 'UTC') - interval '2 seconds'
from billing.payments where order_id % 2 = 0`
}

function eventRows(events: number, customers: number): string {
  return `
insert into analytics.events
select n, case when n % 10 <> 0 then 1 + n * 104729::bigint % ${customers} end,
  (array['view', 'click', 'search', 'cart', 'login'])[1 + n % 5],
  jsonb_build_object('path', '/p/' || n % 2000, 'query', ${text('n')}, 'at', array[n % 1000, n % 700], 'empty', '{}'::jsonb),
  case when n % 3 = 0 then 'https://example.com/?q=' || ${text('n')} end,
  md5('session' || n / 8)::uuid, ('10.' || n % 256 || '.' || n / 256 % 256 || '.1')::inet, n % 32000,
  case when n % 4 = 0 then n * interval '0.001 second' end,
  ${time('n * 311')}
from generate_series(1, ${events}) n`
}

/** Bodies of 10 to 26 kB of hexadecimal noise, which PostgreSQL cannot compress and stores apart. */
function documentRows(documents: number): string {
  return `
insert into analytics.documents
select n, 'Document ' || n || ' ' || ${text('n')},
  (select string_agg(md5(n || '/' || i), '') from generate_series(1, 320 + n % 500) i),
  case when n % 10 = 0 then decode(repeat(md5(n::text), 300), 'hex') end,
  array['k' || n % 7, ${text('n')}], 1 + n % 5, ${time('n * 7001')}
from generate_series(1, ${documents}) n`
}

/**
 * What happens in the shop: each step is one transaction of the workload.
 *
 * Together they do what a change log has to cope with: transactions over several tables, updates that
 * leave a TOASTed column alone, keys that change, rollbacks, savepoints, and deletes.
 */

import { ODD_TEXTS } from './odd-texts.ts'
import type { Random } from './random.ts'

/** Runs a statement of the transaction; the rows it changes are counted. */
export type Run = (sql: string, params?: readonly unknown[]) => Promise<void>

export interface Step {
  readonly weight: number
  /** Resolves to whether to commit. */
  run(run: Run, random: Random, shop: ShopSize): Promise<boolean>
}

/** How many rows there are to choose from. */
export interface ShopSize {
  readonly customers: number
  readonly products: number
  readonly orders: number
  readonly events: number
  readonly documents: number
}

const placeOrder: Step = {
  weight: 24,
  async run(run, random, shop) {
    const order = `currval(pg_get_serial_sequence('app.orders', 'id'))`
    await run(
      `insert into app.orders (customer_id, status, placed_at, delivery_window, note, total)
       values ($1, 'new', clock_timestamp(), make_interval(hours => $2), $3, $4)`,
      [
        random.upTo(shop.customers),
        random.upTo(72),
        random.pick(ODD_TEXTS),
        random.upTo(1e6) / 100,
      ],
    )
    await run(
      `insert into app.order_lines
       select ${order}, line, 1 + ($1::int + line) % $2::int, line, line * 1.25, nullif(line % 3, 0) * 0.001
       from generate_series(1, $3::int) line`,
      [random.upTo(shop.products), shop.products, random.upTo(5)],
    )
    const payment = random.uuid()
    await run(
      `insert into billing.payments
       values ($1, ${order}, $2, 'EUR', $2::numeric / 7, 1.5, clock_timestamp(), $3)`,
      [payment, random.upTo(1e6) / 100, Buffer.from(payment)],
    )
    await run(
      `insert into billing.card_transactions
       values ($1, $2, $3, 1, null, '{0}', $4, localtimestamp)`,
      [random.pick(['visa', 'amex']), `W${payment}`, payment, '{"live":  true}'],
    )
    return true
  },
}

const advanceOrder: Step = {
  weight: 20,
  async run(run, random, shop) {
    const status = random.pick(['paid', 'packed', 'shipped', 'returned'])
    await run(
      `update app.orders set status = $2::text::app.order_status,
         shipped_on = case when $2::text = 'shipped' then current_date end where id = $1`,
      [random.upTo(shop.orders), status],
    )
    return recordEvent.run(run, random, shop)
  },
}

const recordEvent: Step = {
  weight: 20,
  async run(run, random, shop) {
    await run(
      `insert into analytics.events (customer_id, kind, payload, "Referrer", session, occurred_at)
       values ($1, $2, jsonb_build_object('text', $3::text, 'n', $4::int), $3, $5, clock_timestamp())`,
      [
        random.upTo(shop.customers),
        random.pick(['view', 'click', 'search']),
        random.pick(ODD_TEXTS),
        random.upTo(1e6),
        random.uuid(),
      ],
    )
    return true
  },
}

const editCustomer: Step = {
  weight: 12,
  async run(run, random, shop) {
    await run(
      `update app.customers set nickname = $2::text, credit_limit = credit_limit + 0.01,
         tags = case when cardinality(tags) > 5 then null else tags || $2::text end,
         preferences = jsonb_set(preferences, '{greeting}', to_jsonb($2::text)) where id = $1`,
      [random.upTo(shop.customers), random.pick(ODD_TEXTS)],
    )
    return true
  },
}

/** The body is not sent again: the log says only that it did not change. */
const renameDocument: Step = {
  weight: 10,
  async run(run, random, shop) {
    await run(
      `update analytics.documents set title = $2, revision = revision + 1,
         updated_at = clock_timestamp() where id = $1`,
      [random.upTo(shop.documents), random.pick(ODD_TEXTS)],
    )
    return true
  },
}

const rewriteDocument: Step = {
  weight: 2,
  async run(run, random, shop) {
    const body = Array.from({ length: 300 }, () => random.uuid()).join('\n')
    const id = random.upTo(shop.documents)
    await run(`update analytics.documents set body = $2 where id = $1`, [id, body])
    return true
  },
}

const cancelOrder: Step = {
  weight: 4,
  async run(run, random, shop) {
    const order = [random.upTo(shop.orders)]
    await run(
      `delete from billing.card_transactions
       where payment_id in (select id from billing.payments where order_id = $1)`,
      order,
    )
    await run(`delete from billing.payments where order_id = $1`, order)
    await run(`delete from app.order_lines where order_id = $1`, order)
    await run(`delete from app.orders where id = $1`, order)
    return true
  },
}

const changeKeys: Step = {
  weight: 3,
  async run(run, random, shop) {
    const order = random.upTo(shop.orders)
    await run(
      `update app.order_lines set line_no = line_no + 10 where order_id = $1 and line_no < 1000`,
      [order],
    )
    await run(
      `update billing.card_transactions set reference = $2
       where payment_id = (select id from billing.payments where order_id = $1 limit 1)`,
      [order, `K${random.uuid()}`],
    )
    // A row with a TOASTed column gets another key: its body has to move along, unseen.
    const document = random.upTo(shop.documents)
    await run(
      `update analytics.documents set id = nextval(pg_get_serial_sequence('analytics.documents', 'id'))
       where id = $1`,
      [document],
    )
    return true
  },
}

const thinkAgain: Step = {
  weight: 3,
  async run(run, random, shop) {
    await placeOrder.run(run, random, shop)
    await run(`update app.products set price = price * 2 where id = $1`, [
      random.upTo(shop.products),
    ])
    return false
  },
}

const trySavepoint: Step = {
  weight: 3,
  async run(run, random, shop) {
    await editCustomer.run(run, random, shop)
    await run('savepoint attempt')
    await run(`update app.products set rating = -1 where id <= 20`)
    await run('rollback to savepoint attempt')
    await run(
      `insert into app.customers (external_id, email, name, created_at)
       values ($1, 'new@example.com', $2, clock_timestamp())`,
      [random.uuid(), random.pick(ODD_TEXTS)],
    )
    await run('release savepoint attempt')
    return recordEvent.run(run, random, shop)
  },
}

const changePrices: Step = {
  weight: 1,
  async run(run, random, shop) {
    await run(
      `update app.products set price = round(price * 1.01 + 0.01, 2) % 90000000 where id % 40 = $1`,
      [random.upTo(Math.min(40, shop.products)) - 1],
    )
    return true
  },
}

const forgetEvents: Step = {
  weight: 6,
  async run(run, random, shop) {
    const from = random.upTo(shop.events)
    await run(`delete from analytics.events where id between $1 and $1::bigint + 4`, [from])
    return true
  },
}

export const STEPS: readonly Step[] = [
  placeOrder, advanceOrder, recordEvent, editCustomer, renameDocument, rewriteDocument, cancelOrder,
  changeKeys, thinkAgain, trySavepoint, changePrices, forgetEvents,
] // prettier-ignore

/** The demo shop: a database that looks like somebody's, with at least 200,000 rows to load. */

import type pg from 'pg'

import { shopRows } from './shop-rows.ts'
import { SHOP_SCHEMA } from './shop-schema.ts'

export interface ShopOptions {
  /** 1, which is the default, makes some 300,000 rows. */
  readonly scale?: number
}

/** Creates and fills the tables in one transaction: a shop is there whole, or not at all. */
export async function createShop(
  client: pg.Client,
  { scale = 1 }: ShopOptions = {},
): Promise<void> {
  await client.query('begin')
  try {
    await client.query(SHOP_SCHEMA)
    for (const statement of shopRows(scale)) await client.query(statement)
    await client.query('commit')
  } catch (error) {
    await client.query('rollback')
    throw error
  }
  // For the planner, and for the estimate of rows that a load's progress is measured by.
  await client.query('analyze')
}

export async function hasShop(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query(
    `select 1 where to_regclass('analytics.documents') is not null`,
  )
  return rows.length > 0
}

import { testDatabase } from './test/support/postgres.ts'
import { createShop } from './src/demo/shop.ts'
import { runWorkload } from './src/demo/workload.ts'
import pg from 'pg'
await using db = await testDatabase()
const c = await db.client()
console.time('shop'); await createShop(c); console.timeEnd('shop')
console.log(await db.query(`select relname, reltuples::int, pg_size_pretty(pg_total_relation_size(oid)) from pg_class where relkind='r' and relnamespace::regnamespace::text in ('app','billing','analytics')`))
const pool = new pg.Pool({ connectionString: db.url })
console.time('work')
await runWorkload(pool, { signal: AbortSignal.timeout(8000), ratePerSecond: Number(process.argv[2] ?? 300) }).then(console.log, (e) => console.log(e.message, e.where))
console.timeEnd('work')
await pool.end()

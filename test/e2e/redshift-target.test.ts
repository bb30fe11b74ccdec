/**
 * Redshift as a target, from the outside: configuration, `doctor`, loads, changes, and every row in the
 * end. The cluster is a server in its shape, and the bucket a server in memory. REAL REDSHIFT: NOT TESTED.
 */

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'

import pg from 'pg'

import { MemoryStore } from '../../src/storage/memory-store.ts'
import { bucketOf } from '../support/bucket.ts'
import { carelessS3, type CarelessS3 } from '../support/careless-s3.ts'
import { testDatabase, type TestDatabase } from '../support/postgres.ts'
import { startRedshift, type RedshiftServer } from '../support/redshift/server.ts'
import { runCli, startCli } from './support/cli.ts'
import { taskFolder, type TaskFolder } from './support/task-folder.ts'

const AWS = { AWS_ACCESS_KEY_ID: 'key', AWS_SECRET_ACCESS_KEY: 'secret', AWS_REGION: 'eu-west-1' }

describe('a Redshift target', () => {
  let source: TestDatabase
  let s3: CarelessS3
  let redshift: RedshiftServer

  before(async () => {
    source = await testDatabase()
    s3 = await carelessS3()
    const { objects } = s3
    const store = bucketOf(new MemoryStore())
    redshift = await startRedshift({
      store: {
        ...store,
        get: (key) => Promise.resolve(objects.get(`millrace-test/${key}`) ?? null),
      },
    })
  })

  after(async () => {
    await redshift[Symbol.asyncDispose]()
    await s3[Symbol.asyncDispose]()
    await source[Symbol.asyncDispose]()
  })

  function target(more: object = {}): object {
    const { endpoint } = s3
    const stage = { stage: 's3://millrace-test/rows', s3: { endpoint, region: 'eu-west-1' } }
    return { type: 'redshift', url: 'env:REDSHIFT_URL', ...stage, interval: '50ms', ...more }
  }

  function env(): NodeJS.ProcessEnv {
    return { ...process.env, ...AWS, REDSHIFT_URL: redshift.url }
  }

  async function catchUp({ config }: TaskFolder): Promise<void> {
    const args = ['run', '--config', config, '--until-caught-up']
    const ended = await runCli(args, { env: env() })
    assert.equal(ended.code, 0, ended.stderr + ended.stdout)
  }

  async function rows(sql: string): Promise<unknown[][]> {
    const client = new pg.Client(redshift.url)
    await client.connect()
    try {
      return (await client.query<unknown[]>({ text: sql, rowMode: 'array' })).rows
    } finally {
      await client.end()
    }
  }

  test('gets every row, under other names, and leaves nothing in the bucket', async () => {
    await source.query(`create schema app;
      create table app.orders (id int primary key, note text, doc jsonb, tags text[], at timestamptz);
      insert into app.orders select i, 'note ' || i, json_build_object('i', i), array['a', 'b,c'],
        '2026-01-31 10:00:00+00' from generate_series(1, 500) i`)
    const layout = { 'sales.orders': { distKey: 'id', sortKey: ['at'] } }
    const rename = [{ schema: 'app', to: 'sales' }]
    await using folder = await taskFolder(source.url, {
      targets: { warehouse: target({ layout, rename }) },
    })
    const doctor = await runCli(['doctor', '--config', folder.config], {
      env: env(),
    })
    assert.match(doctor.stdout, /warehouse: .* can be written/)
    assert.equal(doctor.code, 0, doctor.stdout)
    await catchUp(folder)
    await source.query(`update app.orders set note = 'x' where id <= 100;
      delete from app.orders where id > 400; insert into app.orders values (1000, '', null, null, null);
      update app.orders set id = 2000 where id = 7; alter table app.orders add column extra int default 5`)
    await source.query(`update app.orders set extra = 6 where id = 1`)
    await catchUp(folder)
    const found = await rows(
      `SELECT count(*), sum(id), sum(extra), count(note), count(doc), count(tags), count(at) FROM sales.orders`,
    )
    const [expected] = await source.query(`select count(*)::text as a, sum(id)::text as b,
      sum(extra)::text as c, count(note)::text as d, count(doc)::text as e, count(tags)::text as f,
      count(at)::text as g from app.orders`)
    assert.deepEqual(found[0]!.map(String), Object.values(expected!))
    assert.deepEqual(
      await rows(`SELECT note FROM sales.orders WHERE id IN (1000, 2000) ORDER BY id`),
      [[''], ['x']],
    )
    assert.deepEqual([...s3.objects.keys()], [])
  })

  test('gathers changes for its interval, and hurries when somebody waits', async () => {
    await source.query(`create schema slow; create table slow.a (id int primary key)`)
    await using folder = await taskFolder(source.url, {
      task: 'slow',
      source: { tables: ['slow.*'] },
      targets: { warehouse: target({ interval: '1h' }) },
    })
    await using child = startCli(['run', '--config', folder.config], {
      env: env(),
    })
    await child.line('table joined')
    assert.equal((await child.end('SIGINT')).code, 0)
    await source.query(`insert into slow.a values (1)`)
    await catchUp(folder)
    assert.deepEqual(await rows('SELECT id FROM slow.a'), [[1]])
  })
})

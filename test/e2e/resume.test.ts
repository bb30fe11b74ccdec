/** A table that is suspended, the cause that goes, and the word that lets it go on. */

import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'

import { testDatabase } from '../support/postgres.ts'
import { runCli, startCli } from './support/cli.ts'
import { taskFolder } from './support/task-folder.ts'

test('millrace resume lets a suspended table go on from its own place, without a load', async () => {
  await using source = await testDatabase()
  await using mirror = await testDatabase()
  await source.query(`create schema app; create table app.a (id int primary key, x text);
    create table app.b (id int primary key); insert into app.a values (1, 'one')`)
  await using folder = await taskFolder(source.url, {
    targets: { mirror: { type: 'postgres', url: 'file:./mirror-url', interval: '50ms' } },
  })
  await writeFile(join(folder.path, 'mirror-url'), mirror.url)
  const words = ['--config', folder.config]
  await using child = startCli(['run', ...words])
  await child.line('table joined', child.lines.indexOf(await child.line('table joined')) + 1)
  await mirror.query('create unique index of_mine on app.a (x)')
  await source.query(`insert into app.a values (2, 'one'); insert into app.b values (1)`)
  const suspended = await child.line('table failed')
  assert.equal(suspended['table'], 'app.a')
  await mirror.query('drop index app.of_mine')
  const from = child.lines.length
  const { code, stdout } = await runCli(['resume', 'app.a', '--target', 'mirror', ...words])
  assert.deepEqual(
    [code, stdout],
    [0, 'app.a will go on for mill/mirror, if it is suspended there\n'],
  )
  assert.equal((await child.line('table joined', from))['table'], 'app.a')
  assert.equal((await child.end('SIGINT')).code, 0)
  assert.deepEqual(await mirror.query('select id, x from app.a order by id'), [
    { id: 1, x: 'one' },
    { id: 2, x: 'one' },
  ])
  const unknown = await runCli(['resume', 'app.c', ...words])
  assert.equal(unknown.code, 2)
  assert.match(unknown.stderr, /the lake has no table app\.c/)
})

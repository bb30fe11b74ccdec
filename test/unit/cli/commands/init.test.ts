/** `init` and `version`: the commands that need nothing but themselves. */

import assert from 'node:assert/strict'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'

import type { TargetConfig } from '../../../../src/config/config.ts'
import { lakeUrlOf } from '../../../../src/config/lake-place.ts'
import { loadConfig } from '../../../../src/config/load.ts'
import { temporaryFolder } from '../../../support/temporary-folder.ts'
import { millrace } from '../support.ts'

function newFile(): string {
  return join(temporaryFolder('init'), 'millrace.yaml')
}

describe('init', () => {
  test('writes a configuration that works', async () => {
    const file = newFile()
    const { exitCode, stdout } = await millrace(['init', '--config', file])
    assert.equal(exitCode, 0)
    assert.equal(
      stdout,
      `wrote ${file}\n  export SOURCE_URL=postgres://user:password@host:5432/database\n  millrace run --config ${file}\n`,
    )
    const { config, warnings } = loadConfig(file, { SOURCE_URL: 'postgres://db/shop' })
    assert.deepEqual(warnings, [])
    assert.equal(config.task, 'shop')
    assert.equal(pathOf(config.targets[0]), file.replace('millrace.yaml', 'warehouse.duckdb'))
  })

  test('takes every value it is given, whatever its characters', async () => {
    const file = newFile()
    const words = ['--task', 'null', '--lake', 'my lake: #1', '--duckdb', '~/a "b".db']
    await millrace(['init', '--config', file, ...words, '--source-url', 'postgres://db/x?a=1'])
    const { config } = loadConfig(file, {})
    assert.equal(config.task, 'null')
    assert.ok(lakeUrlOf(config.lake.place).endsWith('/my lake: #1'))
    assert.ok(pathOf(config.targets[0])?.endsWith('/~/a "b".db'))
    assert.equal(config.source.url, 'postgres://db/x?a=1')
  })

  test('never overwrites a file', async () => {
    const file = newFile()
    writeFileSync(file, 'mine')
    const { exitCode, stderr } = await millrace(['init', '--config', file])
    assert.equal(exitCode, 1)
    assert.match(stderr, /^millrace: FILE_EXISTS {2}.* is there already\n {2}what to do: edit it/)
    assert.equal(readFileSync(file, 'utf8'), 'mine')
  })

  test('keeps a password from other users of the machine', async () => {
    const file = newFile()
    await millrace(['init', '--config', file, '--source-url', 'postgres://a:b@db/x'])
    assert.equal(statSync(file).mode & 0o777, 0o600)
  })

  const refused = [
    [['--task', 'My Shop'], /^millrace: USAGE {2}task: a task name begins with a-z/],
    [['--lake', 'gs://bucket/x'], /^millrace: USAGE {2}lake\.url: expected a folder such as/],
    [['--source-url', 'mysql://db'], /^millrace: USAGE {2}source\.url: expected postgres:/],
  ] as const
  for (const [words, message] of refused) {
    test(`writes nothing for ${words.join(' ')}`, async () => {
      const file = newFile()
      const { exitCode, stderr } = await millrace(['init', '--config', file, ...words])
      assert.equal(exitCode, 2)
      assert.match(stderr, message)
      assert.equal(existsSync(file), false)
    })
  }

  test('says where it cannot write', async () => {
    const file = join(newFile(), 'none', 'millrace.yaml')
    const { exitCode, stderr } = await millrace(['init', '--config', file, '--json'])
    assert.equal(exitCode, 1)
    assert.deepEqual(JSON.parse(stderr).error.code, 'FILE_UNWRITABLE')
  })

  test('tells scripts which file it wrote', async () => {
    const file = newFile()
    const { stdout } = await millrace(['init', '--config', file, '--json'])
    assert.deepEqual(JSON.parse(stdout), { file })
  })
})

describe('version', () => {
  test('is that of the package', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
    const { stdout } = await millrace(['version'])
    assert.ok(stdout.startsWith(`millrace ${version} (Node ${process.versions.node}, `))
    const json = await millrace(['version', '--json'])
    assert.equal(JSON.parse(json.stdout).version, version)
  })
})

function pathOf(target: TargetConfig | undefined): string | undefined {
  return target?.type === 'duckdb' ? target.path : undefined
}

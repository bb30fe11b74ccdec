/** The demo with its lake in a bucket, as a user runs it; it starts the server by itself. */

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

import { runCli } from '../e2e/support/cli.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { findVersitygw } from '../support/versitygw.ts'

const found = await findVersitygw()
const skip = 'missing' in found ? found.missing : false

test(
  'the demo ends with a warehouse that is equal, and goes on where it was',
  { skip },
  async () => {
    const dir = join(temporaryFolder('s3-demo'), 'demo')
    const demo = ['demo', '--dir', dir, '--port', '0', '--seconds', '2']
    for (const flags of [['--fresh'], []]) {
      const { code, stdout, stderr } = await runCli([...demo, '--lake', 's3', ...flags])
      assert.equal(code, 0, stderr)
      assert.match(stdout, /^demo: 8 tables, [\d,]+ rows, 0 differences$/m)
      assert.ok(existsSync(join(dir, 's3/buckets/millrace-demo/shop/_millrace/lake.json')))
    }
    const other = await runCli(demo)
    assert.equal(other.code, 2)
    assert.match(other.stderr, /has its lake in .*s3/)
  },
)

test('the demo says how to build the server where there is none', async () => {
  const nowhere = temporaryFolder('no-server')
  const dir = join(nowhere, 'demo')
  const { code, stderr } = await runCli(['demo', '--dir', dir, '--lake', 's3'], {
    env: { ...process.env, TMPDIR: nowhere },
  })
  assert.equal(code, 1)
  assert.match(stderr, /PACKAGE_MISSING .*versitygw/)
  assert.match(stderr, /GOBIN=".+" go install github\.com\/versity\/versitygw/)
  assert.ok(!existsSync(join(dir, 'postgres')))
})

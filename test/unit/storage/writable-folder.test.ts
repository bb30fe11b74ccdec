import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'

import { requireWritable } from '../../../src/storage/writable-folder.ts'

describe('a folder that shall be written to', () => {
  let root: string
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'millrace-writable-'))
    await mkdir(join(root, 'there'))
    await writeFile(join(root, 'file'), '')
  })
  after(() => rm(root, { recursive: true }))

  test('is looked at, or the nearest one that is there, and nothing is made', async () => {
    assert.equal(await requireWritable(join(root, 'there'), 'LAKE_UNWRITABLE'), join(root, 'there'))
    assert.equal(await requireWritable(join(root, 'a/b/c'), 'LAKE_UNWRITABLE'), root)
    assert.deepEqual((await readdir(root)).toSorted(), ['file', 'there'])
  })

  for (const folder of ['file', 'file/below']) {
    test(`is refused where a file is in the way: ${folder}`, async () => {
      const looking = requireWritable(join(root, folder), 'FILE_UNWRITABLE')
      await assert.rejects(looking, { code: 'FILE_UNWRITABLE', message: /file/ })
    })
  }
})

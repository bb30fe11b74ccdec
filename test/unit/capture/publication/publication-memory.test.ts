/** What a publication remembers of the tables that came into it. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import {
  rememberedIn,
  remembering,
} from '../../../../src/capture/publication/publication-memory.ts'
import { lsn } from '../../../../src/core/lsn.ts'

describe('a publication', () => {
  test('remembers since when it has a table', () => {
    const added = new Map([
      [16_412, lsn(0x1a2b3cn)],
      [4_294_967_295, lsn(0xffff_0000_0001n)],
    ])
    const sql = remembering(`odd "name's`, added)
    const comment = `millrace: {"16412":"0/1A2B3C","4294967295":"FFFF/1"}`
    assert.equal(sql, `COMMENT ON PUBLICATION "odd ""name's" IS '${comment}'`)
    assert.deepEqual(rememberedIn(comment), added)
  })

  for (const comment of [null, '', 'of the shop', 'millrace: none', '{"1":"0/1"}']) {
    test(`with the comment ${JSON.stringify(comment)} remembers nothing`, () => {
      assert.deepEqual(rememberedIn(comment), new Map())
    })
  }
})

/** Which places of a message stay, when names are others than those by which columns were excluded. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { Exclusions } from '../../../../src/capture/stream/exclusions.ts'
import type { Exclusion } from '../../../../src/core/exclusion.ts'

const OID = 5001
const USERS = { namespace: 'app', name: 'users' }
const PEOPLE = { namespace: 'app', name: 'people' }
const RULES = [{ tables: 'app.users', exclude: ['secret'] }]

function table(names: readonly string[], name = USERS) {
  const columns = names.map((column, i) => {
    return { name: column, typeOid: 25, modifier: -1, attnum: i + 1 }
  })
  return { oid: OID, name, columns }
}

describe('once a column was excluded', () => {
  const cases: [what: string, shown: string[], kept: boolean[], isCertain: boolean][] = [
    ['it is cut by its name', ['id', 'secret', 'name'], [true, false, true], true],
    ['it is cut under another name', ['id', 'pw', 'name'], [true, false, true], true],
    ['a column that is new stays', ['id', 'pw', 'name', 'age'], [true, false, true, true], true],
    ['both are cut that exchanged names', ['id', 'name', 'secret'], [true, false, false], false],
    ['what stands elsewhere is cut', ['id', 'name'], [true, false], false],
    ['what has another name is cut', ['id', 'pw', 'nick'], [true, false, false], false],
  ]
  for (const [what, shown, kept, isCertain] of cases) {
    test(what, () => {
      const by = new Exclusions(RULES)
      const before = table(['id', 'secret', 'name'])
      by.excluded(before)
      by.saw(before, null)
      // The rule does not fit the table any more.
      assert.deepEqual(by.places(table(shown, PEOPLE)), { kept, isCertain })
    })
  }

  test('nothing is let through before the catalogs were asked', async () => {
    const found = { oid: OID, attnum: 2, table: USERS, column: 'secret' }
    const by = new Exclusions(RULES, { read: async () => [found], write: async () => {} })
    await by.recall()
    const shown = table(['id', 'pw'])
    assert.ok(by.concerns(shown))
    assert.deepEqual(by.places(shown), { kept: [false, false], isCertain: false })
  })

  test('it is remembered, until the rule is gone that found it', async () => {
    let kept: readonly Exclusion[] = []
    const store = {
      read: async () => kept,
      write: async (all: readonly Exclusion[]) => void (kept = all),
    }
    const first = new Exclusions(RULES, store)
    first.excluded(table(['id', 'secret']))
    await first.keep()
    const second = new Exclusions(RULES, store)
    await second.recall()
    assert.ok(second.excluded(table(['id', 'pw'], PEOPLE)).has('pw'))
    const third = new Exclusions([{ tables: 'app.users', exclude: ['other'] }], store)
    await third.recall()
    assert.ok(!third.excluded(table(['id', 'pw'], PEOPLE)).has('pw'))
  })
})

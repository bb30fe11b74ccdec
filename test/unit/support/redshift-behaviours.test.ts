/** The Redshift-shaped server claims nothing that no test shows. */

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

import { BEHAVIOURS, printBehaviours, type BehaviourId } from '../../support/redshift/behaviours.ts'

const CASES = 'test/conformance/redshift'
const TESTS = [
  'test/integration/redshift-server.test.ts',
  ...readdirSync(CASES).map((name) => join(CASES, name)),
]

// The keys of the table are its ids.
const IDS = Object.keys(BEHAVIOURS) as BehaviourId[]

test('every behaviour of the Redshift-shaped server has a test that names it', () => {
  const text = TESTS.map((path) => readFileSync(path, 'utf8')).join('\n')
  assert.deepEqual(
    IDS.filter((id) => !new RegExp(`\\b${id.replace('.', '\\.')}(?![\\w-])`).test(text)),
    [],
  )
})

test('the table of behaviours is printed with where each is known from', () => {
  const page = printBehaviours()
  const counts = /^(\d+) behaviours: (\d+) documented, (\d+) seen live by others, (\d+) assumed/m
  const [, all, ...parts] = counts.exec(page)!.map(Number)
  assert.equal(all, IDS.length)
  assert.equal(
    all,
    parts.reduce((sum, part) => sum + part, 0),
  )
  for (const id of IDS) assert.ok(page.includes(`| \`${id}\` |`), id)
})

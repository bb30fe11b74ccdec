/** The fence of the lake where answers get lost: a manifest is ours only if its bytes are. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { encodeManifest } from '../../../src/lake/log/manifest-json.ts'
import { putManifest } from '../../../src/lake/log/put-manifest.ts'
import { changesManifest } from '../../support/manifests.ts'
import { scriptedS3, useCredentials, type Answer } from '../../support/scripted-s3.ts'

useCredentials('key')

const OURS = changesManifest(7, { writer: 'ours' })
const THEIRS = changesManifest(7, { writer: 'theirs' })
const LOST: Answer = { broken: 'before' }
const CONFLICT: Answer = { status: 409, code: 'ConditionalRequestConflict' }
const TAKEN: Answer = { status: 412, code: 'PreconditionFailed' }

const cases = [
  ['whose first answer got lost is ours', [LOST, TAKEN], OURS, true],
  ['that met another one and came first is ours', [CONFLICT], OURS, true],
  ['that met its own first try is ours', [LOST, CONFLICT, TAKEN], OURS, true],
  ['of another writer fences us', [TAKEN], THEIRS, false],
  ['of another writer fences us, whatever got lost', [LOST, TAKEN], THEIRS, false],
  ['of another writer fences us, after a conflict', [CONFLICT, TAKEN], THEIRS, false],
] as const

for (const [what, script, there, isOurs] of cases) {
  test(`a manifest ${what}`, async () => {
    // What is there is read only when the key is taken; else the script ends with a plain 200.
    const isTaken = script.some((answer) => answer === TAKEN)
    const content = { body: String(encodeManifest(there)) }
    await using s3 = await scriptedS3(isTaken ? [...script, content] : script)
    const put = putManifest(s3.store(), OURS)
    if (isOurs) await put
    else await assert.rejects(put, { code: 'FENCED' })
    const puts = s3.requests.filter(({ method }) => method === 'PUT')
    assert.ok(puts.every(({ headers }) => headers['if-none-match'] === '*'))
    assert.ok(puts.every(({ body }) => body.equals(puts[0]!.body)))
  })
}

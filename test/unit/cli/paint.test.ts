/** When there is colour. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { painter, wantsColour } from '../../../src/cli/paint.ts'

describe('colour', () => {
  const cases = [
    // terminal  environment              colour
    [true, {}, true],
    [false, {}, false],
    [true, { NO_COLOR: '1' }, false],
    [true, { NO_COLOR: '' }, true],
    [true, { TERM: 'dumb' }, false],
  ] as const
  for (const [isTerminal, env, expected] of cases) {
    const where = isTerminal ? 'a terminal' : 'a pipe'
    test(`is ${expected ? 'on' : 'off'} for ${where} with ${JSON.stringify(env)}`, () => {
      assert.equal(wantsColour(isTerminal, env), expected)
    })
  }

  test('that is off leaves the text alone', () => {
    assert.equal(painter(false)('red', 'x'), 'x')
    assert.equal(painter(true)('red', 'x'), '\u001b[31mx\u001b[39m')
  })
})

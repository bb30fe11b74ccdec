import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { PutPace } from '../../../src/capture/put-pace.ts'
import { changesEntry, changesManifest, loadPart } from '../../support/manifests.ts'

function flushOf(files: number) {
  const entries = Array.from({ length: files }, () => changesEntry())
  return { ...changesManifest(2), entries: [...entries, loadPart('l1')] }
}

describe('the pace of flushes', () => {
  test('makes 201 PUTs last 20.1 s at 10 a second', () => {
    const pace = new PutPace(10)
    assert.equal(pace.pauseMs(0), 0)
    pace.wrote(1000, flushOf(200))
    assert.equal(pace.pauseMs(1000), 20_100)
    assert.equal(pace.pauseMs(16_000), 5100)
    assert.equal(pace.pauseMs(21_100), 0)
    assert.equal(pace.pauseMs(99_999), 0)
  })

  test('is none where nothing limits it', () => {
    const pace = new PutPace(null)
    pace.wrote(1000, flushOf(5000))
    assert.equal(pace.pauseMs(1000), 0)
  })

  test('is not forgotten for a small flush that could not wait, and not added up', () => {
    const pace = new PutPace(1)
    pace.wrote(0, flushOf(9))
    pace.wrote(100, flushOf(0))
    assert.equal(pace.pauseMs(1000), 9000)
    pace.wrote(2000, flushOf(9))
    assert.equal(pace.pauseMs(2000), 10_000)
  })

  test('stays bounded when the clock is set back', () => {
    const pace = new PutPace(1)
    pace.wrote(3_600_000, flushOf(9))
    assert.equal(pace.pauseMs(1000), 0)
    pace.wrote(1000, flushOf(1))
    assert.equal(pace.pauseMs(1000), 2000)
  })

  test('keeps the mean under the rate, whatever the flushes hold', () => {
    const pace = new PutPace(10)
    let [now, puts] = [0, 0]
    for (const files of [0, 200, 1, 37, 0, 0, 99, 5, 3]) {
      now += pace.pauseMs(now)
      pace.wrote(now, flushOf(files))
      puts += files + 1
    }
    now += pace.pauseMs(now)
    assert.ok(puts / (now / 1000) <= 10)
  })
})

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import {
  continuationOf,
  guardTimeline,
  parseHistory,
  type Continuation,
} from '../../../../src/capture/slot/timeline.ts'
import { lsn } from '../../../../src/core/lsn.ts'

function lake(to: bigint, confirm: bigint, { end = true, timeline = 1 } = {}) {
  return { timeline, to: { lsn: lsn(to), ordinal: 2, end }, confirm: lsn(confirm) }
}

const EMPTY = { timeline: 0, to: null, confirm: null }

function server(timeline: number, ...switches: [timeline: number, at: bigint][]) {
  return { timeline, history: switches.map(([left, at]) => ({ timeline: left, at: lsn(at) })) }
}

describe('a server', () => {
  const cases: [
    when: string,
    lake: Parameters<typeof continuationOf>[0],
    server: Parameters<typeof continuationOf>[1],
    then: Continuation,
  ][] = [
    ['on our timeline', lake(90n, 100n), server(1), 'same'],
    ['on any timeline, for an empty lake', EMPTY, server(3, [1, 5n], [2, 9n]), 'same'],
    ['that left ours after all we have', lake(90n, 100n), server(2, [1, 200n]), 'continues'],
    ['that left ours right behind us', lake(90n, 100n), server(2, [1, 100n]), 'continues'],
    [
      'that left ours before our last commit ended',
      lake(90n, 100n),
      server(2, [1, 99n]),
      'diverged',
    ],
    [
      'that left ours before our last commit began',
      lake(90n, 80n),
      server(2, [1, 85n]),
      'diverged',
    ],
    [
      'that left ours where the commit of a half written transaction begins',
      lake(150n, 100n, { end: false }),
      server(2, [1, 150n]),
      'diverged',
    ],
    [
      'that left ours behind that commit',
      lake(150n, 100n, { end: false }),
      server(2, [1, 158n]),
      'continues',
    ],
    [
      'that was promoted twice since',
      lake(90n, 100n),
      server(3, [1, 120n], [2, 500n]),
      'continues',
    ],
    [
      'that was promoted twice, the first time too early',
      lake(90n, 100n),
      server(3, [1, 50n], [2, 500n]),
      'diverged',
    ],
    [
      'that left ours, which is not the first',
      lake(90n, 100n, { timeline: 2 }),
      server(3, [1, 50n], [2, 100n]),
      'continues',
    ],
    [
      'that knows nothing of ours',
      lake(90n, 100n, { timeline: 2 }),
      server(4, [1, 200n]),
      'diverged',
    ],
    ['that is on an older one', lake(90n, 100n, { timeline: 2 }), server(1), 'diverged'],
    ['of which the history cannot be read', lake(90n, 100n), server(2), 'diverged'],
  ]
  for (const [when, place, now, then] of cases) {
    test(`${when}: ${then}`, () => assert.equal(continuationOf(place, now), then))
  }
})

describe('a history', () => {
  test('is read line by line, comments and reasons left out', () => {
    const text =
      '1\t0/3000148\tno recovery target specified\n\n# a comment\n 2\t1A/FF\tbefore 2026-01-01\n'
    assert.deepEqual(parseHistory(text), [
      { timeline: 1, at: 0x3000148n },
      { timeline: 2, at: 0x1a_000000ffn },
    ])
  })

  test('is asked for only where the timeline is another', async () => {
    await guardTimeline(lake(90n, 100n), 1, () => assert.fail('asked for nothing'))
    await guardTimeline(EMPTY, 7, () => assert.fail('asked for nothing'))
    await guardTimeline(lake(90n, 100n), 2, async () => [{ timeline: 1, at: lsn(100n) }])
  })

  test('that forks before the end of the lake is refused, with both places', async () => {
    const history = async () => [{ timeline: 1, at: lsn(0x50n) }]
    await assert.rejects(guardTimeline(lake(0x90n, 0xa0n), 2, history), {
      code: 'TIMELINE_DIVERGED',
      message:
        'the server is on timeline 2; the lake holds timeline 1 up to 0/A0, which was left at 0/50',
    })
  })
})

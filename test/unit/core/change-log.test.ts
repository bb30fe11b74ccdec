/** Changes as bytes in blocks. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import fc from 'fast-check'

import {
  BLOCK_BYTES,
  BlockPool,
  ChangeCursor,
  ChangeLog,
  OP,
} from '../../../src/core/change-log.ts'
import { lsn } from '../../../src/core/lsn.ts'
import { append, changesOf, logOf, type TestChange } from '../../support/tuples.ts'

function update(commitLsn: bigint, ordinal: number, bytes: number): TestChange {
  return { op: 'update', lsn: commitLsn, ordinal, values: [Buffer.alloc(bytes, ordinal)] }
}

/** As `changesOf` gives them back. */
function whole(changes: readonly TestChange[]): Required<TestChange>[] {
  return changes.map((change) => ({ committedAt: 0n, ...change }))
}

describe('a change log', () => {
  test('gives back what was appended, across blocks and transactions', () => {
    const change = fc.record({
      op: fc.constantFrom('insert', 'update', 'delete', 'truncate'),
      lsn: fc.bigInt(0n, 2n ** 64n - 1n),
      committedAt: fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
      ordinal: fc.integer({ min: 1, max: 2 ** 48 - 1 }),
      length: fc.integer({ min: 0, max: BLOCK_BYTES }),
    })
    fc.assert(
      fc.property(fc.array(change, { maxLength: 12 }), (drawn) => {
        const changes = drawn.map(({ length, ...rest }): TestChange => {
          return { ...rest, values: rest.op === 'truncate' ? [] : [Buffer.alloc(length, length)] }
        })
        const log = logOf(changes)
        assert.equal(log.rows, changes.length)
        assert.deepEqual(changesOf(log), changes)
      }),
    )
  })

  test('writes the beginning of a transaction once, and only if a change follows', () => {
    const log = new ChangeLog(new BlockPool())
    log.begin(lsn(1n), 0n)
    log.begin(lsn(2n), 0n)
    assert.equal(log.bytes, 0)
    log.append(OP.insert, 2, Buffer.alloc(8), 0, 8)
    const first = log.bytes
    log.begin(lsn(2n), 0n)
    log.append(OP.insert, 4, Buffer.alloc(8), 0, 8)
    assert.equal(log.bytes - first, first - 17)
  })

  test('tells transactions of one LSN apart by their time, as after a failover', () => {
    const changes = [
      { ...update(7n, 2, 1), committedAt: 1n },
      { ...update(7n, 2, 1), committedAt: 2n },
    ]
    assert.deepEqual(changesOf(logOf(changes)), changes)
  })

  test('holds no block before the first change', () => {
    const pool = new BlockPool()
    new ChangeLog(pool).begin(lsn(1n), 0n)
    assert.equal(pool.bytesInUse, 0)
  })

  test('keeps a tuple that is larger than a block in one piece', () => {
    const pool = new BlockPool()
    const changes = [update(1n, 2, 10), update(1n, 4, 3 * BLOCK_BYTES), update(1n, 6, 10)]
    const log = logOf(changes, pool)
    assert.deepEqual(changesOf(log), whole(changes))
    assert.ok(pool.bytesInUse > 4 * BLOCK_BYTES)
    log.release()
    assert.equal(pool.bytesInUse, 0)
  })

  test('never lets a record cross the border of a block', () => {
    for (let length = BLOCK_BYTES - 40; length <= BLOCK_BYTES; length++) {
      const changes = [update(1n, 2, length), update(2n, 4, 100)]
      assert.deepEqual(changesOf(logOf(changes)), whole(changes))
    }
  })
})

describe('a log that is drained', () => {
  const changes = [1, 2, 3].map((i) => update(BigInt(i), 2, BLOCK_BYTES - 100))

  test('gives each block back once the next one is asked for', () => {
    const pool = new BlockPool()
    const log = logOf(changes, pool)
    const inUse: number[] = []
    for (const block of log.drain()) inUse.push(pool.bytesInUse / block.buffer.byteLength)
    assert.deepEqual(inUse.length, 3)
    assert.ok(inUse[0]! > inUse[1]! && inUse[1]! > inUse[2]!)
    assert.equal(pool.bytesInUse, 0)
  })

  test('is empty and may be filled again', () => {
    const log = logOf(changes)
    for (const _ of log.drain());
    assert.deepEqual([log.rows, log.bytes, changesOf(log)], [0, 0, []])
    append(log, changes[2]!)
    assert.deepEqual(changesOf(log), whole([changes[2]!]))
  })

  test('gives all blocks back, each once, when the reader leaves early', () => {
    const pool = new BlockPool()
    const log = logOf(changes, pool)
    for (const _ of log.drain()) break
    assert.equal(pool.bytesInUse, 0)
    log.release()
    assert.equal(pool.bytesInUse, 0)
  })
})

describe('a log that is released', () => {
  test('writes the beginning of its transaction again', () => {
    const log = logOf([update(5n, 2, 1)])
    log.release()
    log.append(OP.delete, 4, Buffer.alloc(0), 0, 0)
    const cursor = new ChangeCursor()
    for (const block of log.blocks()) assert.equal(cursor.open(block).next(), true)
    assert.deepEqual([cursor.commitLsn, cursor.ordinal, cursor.transactions], [5n, 4, 1])
  })
})

describe('a pool', () => {
  test('hands out a block that was given back', () => {
    const pool = new BlockPool()
    const block = pool.take(1)
    pool.give(block)
    assert.equal(pool.take(1), block)
  })

  test('keeps no more than it was told to', () => {
    const pool = new BlockPool(0)
    const block = pool.take(1)
    pool.give(block)
    assert.notEqual(pool.take(1), block)
  })
})

/**
 * Gives all processes of all histories one pool of blocks.
 *
 * Each would take a mebibyte at its start, and there are thousands of them. It is also the harder
 * case: a block that somebody still reads after he gave it back is written by another process.
 */

import { BlockPool } from '../../src/core/change-log.ts'

const shared = new BlockPool()
const take = shared.take.bind(shared)
const give = shared.give.bind(shared)

BlockPool.prototype.take = (bytes) => take(bytes)
BlockPool.prototype.give = (block) => give(block)

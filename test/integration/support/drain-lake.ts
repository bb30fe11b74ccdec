/** Applies all that a lake holds to a target, with batches small enough that there are several. */

import { Applier } from '../../../src/apply/applier.ts'
import { BlockPool } from '../../../src/core/change-log.ts'
import type { ObjectStore } from '../../../src/core/object-store.ts'
import type { Target } from '../../../src/core/target.ts'
import { LogReader } from '../../../src/lake/log/log-reader.ts'
import { Shapes } from '../../../src/lake/shapes.ts'
import { systemClock } from '../../../src/system-clock.ts'

export async function drainLake(store: ObjectStore, target: Target): Promise<void> {
  const shapes = new Shapes(store)
  const applier = new Applier({
    consumer: 'test/copy',
    target,
    log: new LogReader({ store, shapes, rollupEvery: 1000 }),
    shapes,
    requests: {
      read: () => Promise.resolve(null),
      write: () => Promise.resolve(),
      remove: () => Promise.resolve(),
    },
    clock: systemClock,
    pool: new BlockPool(),
    limits: { rows: 100, bytes: 1 << 22, manifests: 10 },
    emit: () => {},
    intervalMs: 1000,
  })
  await applier.drainOnce()
}

/** Lives one history from its seed to rest, or to the first violation. */

import type { Counters } from './counters.ts'
import { difference } from './equality.ts'
import { readFiles } from './late-reader.ts'
import { idOf, TABLES } from './scripted-database.ts'
import { Violation } from './violation.ts'
import { World, type HistoryOptions } from './world.ts'

export interface HistoryResult {
  readonly violation: Violation | null
  readonly counters: Counters
  readonly hash: number
}

const CALM_STEPS = 12_000
const TEND_EVERY = 60
const LOOK_EVERY = 15

export async function history(seed: number, options: HistoryOptions = {}): Promise<HistoryResult> {
  const world = new World(seed, options)
  let violation: Violation | null = null
  try {
    await storm(world)
    await calm(world)
    await world.step()
    world.audit.checkFiles()
    finalCheck(world)
    await readFiles(world)
  } catch (error) {
    if (!(error instanceof Violation)) throw error
    violation = error
  } finally {
    world.close()
  }
  const { counters, scheduler } = world
  return { violation, counters, hash: scheduler.hash }
}

async function storm(world: World): Promise<void> {
  const { random } = world
  world.startCapture()
  if (random.chance(0.3)) world.startCapture().process.life.heldUntil = random.below(20)
  world.addConsumer('A', 2)
  const commits = 5 + random.below(12)
  const steps = 320 + random.below(320)
  let committed = 0
  for (let i = 0; i < steps; i++) {
    const what = random.next()
    if (what < 0.04 && committed < commits) {
      committed++
      world.commit()
    } else if (what < 0.056) {
      happen(world)
    }
    if (world.captures.length === 0 && random.chance(0.1)) world.startCapture()
    await world.step()
  }
}

/** Something from outside. */
function happen(world: World): void {
  const { random, counters, captures, consumers, server, scheduler } = world
  const what = random.below(18)
  if (what < 2 && captures.length > 0) {
    const { process } = random.pick(captures)
    counters.add('crash')
    scheduler.note(`kill ${process.life.name}`)
    process.life.end()
  } else if (what === 2 && captures.length > 0) {
    counters.add('stop')
    random.pick(captures).process.abort.abort()
  } else if (what < 5 && captures.length < 3) {
    if (captures.length > 0) counters.add('zombie')
    world.startCapture()
  } else if (what === 5) {
    server.restart()
  } else if (what < 8) {
    const consumer = random.pick(consumers)
    counters.add('workerCrash')
    consumer.killWorker(random.below(consumer.workers.length))
    consumer.startWorker()
  } else if (what < 10) {
    if (random.pick(consumers).suspend(random.pick(TABLES))) counters.add('suspended')
  } else if (what === 11) {
    const consumer = random.pick(consumers)
    consumer.resume(random.pick(consumer.workers))
  } else if (what === 12 && consumers.length < 2 && world.audit.state.n > 2) {
    counters.add('lateConsumer')
    world.addConsumer(`L${consumers.length}`, 1 + random.below(2))
  } else if (what === 13) {
    server.published.add('c')
  } else if (what > 15) {
    resync(world)
  } else {
    hold(world)
  }
}

function resync({ random, consumers, counters, audit }: World): void {
  const consumer = random.pick(consumers)
  const name = random.pick(TABLES)
  if (!audit.state.tables.has(idOf(name)) || consumer.ledger === null) return
  counters.add('resync')
  consumer.resync(name)
}

/** A process is held up and goes on later as if nothing had been. */
function hold({ random, captures, consumers, counters, scheduler }: World): void {
  const { workers } = random.pick(consumers)
  const processes = [...captures, ...captures, ...workers]
  counters.add('heldUp')
  random.pick(processes).process.life.heldUntil = scheduler.steps + 20 + random.below(200)
}

async function calm(world: World): Promise<void> {
  world.calm()
  for (let i = 0; i < CALM_STEPS; i++) {
    if (i % LOOK_EVERY === 0 && world.isAtRest) return
    if (i % TEND_EVERY === 0) await world.tend()
    await world.step()
  }
  throw new Violation('stuck', world.inWords)
}

function finalCheck({ consumers, database }: World): void {
  for (const { place, name: consumer } of consumers) {
    for (const name of TABLES) {
      const target = place.tables.get(idOf(name)) ?? null
      const problem = difference(target, database.state.get(name)!)
      if (problem !== null)
        throw new Violation('atomic', `${consumer} at rest, ${name}: ${problem}`)
    }
  }
}

/**
 * One store for all processes, as a network shows it: PUTs land late, answers get lost.
 *
 * The `Shelf` holds the objects and keeps every promise of the contract. A `FaultyStore` is the way
 * of one process to it. A PUT that was sent lands whenever the scheduler says so, even when its
 * sender is dead or has given up; one whose answer is lost is sent again, as the clients of object
 * stores do by themselves, so that its sender finds his own object there.
 */

import { CodedError, fail, hasCode } from '../../src/core/errors.ts'
import type { Body, ObjectStore, PutOptions } from '../../src/core/object-store.ts'
import type { Counters } from './counters.ts'
import type { Random } from './random.ts'
import type { Life, Scheduler } from './scheduler.ts'

export class Shelf {
  readonly objects = new Map<string, Buffer>()
  readonly #changed: (key: string, bytes: Buffer | null) => void

  /** `changed` hears at once of every object that was written, or deleted (`null`). */
  constructor(changed: (key: string, bytes: Buffer | null) => void) {
    this.#changed = changed
  }

  put(key: string, bytes: Buffer, isNew: boolean): void {
    if (isNew && this.objects.has(key)) fail('OBJECT_EXISTS', `already written: ${key}`)
    this.objects.set(key, bytes)
    this.#changed(key, bytes)
  }

  get(key: string): Buffer | null {
    return this.objects.get(key) ?? null
  }

  delete(key: string): void {
    if (this.objects.delete(key)) this.#changed(key, null)
  }

  list(prefix: string, after: string): string[] {
    return [...this.objects.keys()]
      .filter((key) => key.startsWith(prefix) && key > after)
      .toSorted()
  }
}

/** What the network does; the calm at the end has no faults. */
export interface Network {
  readonly shelf: Shelf
  readonly scheduler: Scheduler
  readonly random: Random
  readonly counters: Counters
  isCalm: boolean
}

/** Rules of the protocol that the store can be made to break. */
export interface StoreKnockouts {
  /** Manifests are written over what is there. */
  readonly overwrite?: boolean
  /** "It exists already" is taken for success. */
  readonly no412?: boolean
  /** A manifest is called durable before it is. */
  readonly pipeline?: boolean
}

/** A PUT under way. */
interface Flight {
  readonly key: string
  readonly bytes: Buffer
  readonly isNew: boolean
  /** Tells the sender, once. */
  readonly answer: (error: CodedError | null) => void
}

const IS_MANIFEST = /^_millrace\/manifests\//

export class FaultyStore implements ObjectStore {
  readonly url = 'simulated:'
  readonly #network: Network
  readonly #life: Life
  readonly #knockouts: StoreKnockouts

  constructor(network: Network, life: Life, knockouts: StoreKnockouts) {
    this.#network = network
    this.#life = life
    this.#knockouts = knockouts
  }

  async put(key: string, body: Body, { ifAbsent = false }: PutOptions = {}): Promise<void> {
    const bytes = await whole(body)
    const { overwrite, no412, pipeline } = this.#knockouts
    const isManifest = IS_MANIFEST.test(key)
    const sent = new Promise<void>((resolve, reject) => {
      if (!this.#life.isAlive) return
      let isAnswered = false
      const answer = (error: CodedError | null): void => {
        if (isAnswered || !this.#life.isAlive) return
        isAnswered = true
        if (error === null || (no412 && hasCode(error, 'OBJECT_EXISTS'))) resolve()
        else reject(error)
      }
      const isNew = ifAbsent && !(overwrite && isManifest)
      this.#send({ key, bytes, isNew, answer })
    })
    if (!pipeline || !isManifest) return sent
    sent.catch(() => {})
    return undefined
  }

  get(key: string): Promise<Buffer | null> {
    return this.#life.gate(`GET ${key}`, () => {
      this.#mayBreak()
      const bytes = this.#network.shelf.get(key)
      return bytes && Buffer.from(bytes)
    })
  }

  async *read(key: string): AsyncGenerator<Buffer> {
    const bytes = (await this.get(key)) ?? fail('OBJECT_MISSING', `not in the lake: ${key}`)
    const half = bytes.length >> 1
    yield bytes.subarray(0, half)
    yield bytes.subarray(half)
  }

  async *list(prefix: string, after = ''): AsyncGenerator<string> {
    yield* await this.#life.gate(`LIST ${prefix}`, () => {
      this.#mayBreak()
      return this.#network.shelf.list(prefix, after)
    })
  }

  delete(key: string): Promise<void> {
    return this.#life.gate(`DELETE ${key}`, () => {
      this.#network.counters.add('deleted')
      this.#network.shelf.delete(key)
    })
  }

  localPath(): null {
    return null
  }

  #send(flight: Flight): void {
    const name = `PUT ${flight.key} of ${this.#life.name}`
    this.#network.scheduler.add({ life: null, name, fire: () => this.#arrive(flight) })
  }

  #arrive(flight: Flight): void {
    const { random, counters, isCalm } = this.#network
    const isOrphan = !this.#life.isAlive
    if (isOrphan && random.chance(0.4)) return counters.add('neverLanded')
    if (!isCalm && !isOrphan && random.chance(0.02)) {
      // The sender gives up; the request is still on its way.
      counters.add('timedOut')
      flight.answer(new CodedError('CONNECTION_LOST', `no answer to PUT ${flight.key}`))
      return this.#send(flight)
    }
    if (!isCalm && !isOrphan && random.chance(0.01)) {
      counters.add('diskFull')
      return flight.answer(new CodedError('DISK_FULL', `no room for ${flight.key}`))
    }
    const outcome = this.#land(flight)
    if (isOrphan && outcome === null && IS_MANIFEST.test(flight.key)) counters.add('zombieManifest')
    if (isCalm || isOrphan || !random.chance(0.12)) return flight.answer(outcome)
    counters.add('lostAnswer')
    this.#send(flight)
  }

  #land({ key, bytes, isNew }: Flight): CodedError | null {
    try {
      this.#network.shelf.put(key, bytes, isNew)
      return null
    } catch (error) {
      if (error instanceof CodedError) return error
      throw error
    }
  }

  #mayBreak(): void {
    const { random, counters, isCalm } = this.#network
    if (isCalm || !random.chance(0.003)) return
    counters.add('brokenRead')
    fail('CONNECTION_LOST', 'the store does not answer')
  }
}

async function whole(body: Body): Promise<Buffer> {
  if (body instanceof Uint8Array) return Buffer.from(body)
  const pieces: Buffer[] = []
  for await (const piece of body) pieces.push(Buffer.from(piece))
  return Buffer.concat(pieces)
}

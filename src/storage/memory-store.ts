/**
 * An object store that forgets: for tests and the simulation.
 *
 * It keeps every promise of the contract but durability. Bodies are copied on the way in and out, so
 * nobody can change an object through a buffer that he still holds.
 */

import { fail } from '../core/errors.ts'
import type { Body, ObjectStore, PutOptions } from '../core/object-store.ts'
import { piecesOf } from './body.ts'
import { checkKey, compareKeys } from './keys.ts'

export class MemoryStore implements ObjectStore {
  readonly url = 'memory:'
  readonly #objects = new Map<string, Buffer>()

  async put(key: string, body: Body, { ifAbsent = false }: PutOptions = {}): Promise<void> {
    checkKey(key)
    const pieces: Buffer[] = []
    for await (const piece of piecesOf(body)) pieces.push(Buffer.from(piece))
    if (ifAbsent && this.#objects.has(key)) fail('OBJECT_EXISTS', `already written: ${key}`)
    this.#objects.set(key, Buffer.concat(pieces))
  }

  async get(key: string): Promise<Buffer | null> {
    checkKey(key)
    const bytes = this.#objects.get(key)
    return bytes ? Buffer.from(bytes) : null
  }

  async *read(key: string): AsyncGenerator<Buffer> {
    const bytes = await this.get(key)
    yield bytes ?? fail('OBJECT_MISSING', `not in the lake: ${key}`)
  }

  async *list(prefix: string, after = ''): AsyncGenerator<string> {
    const keys = [...this.#objects.keys()].filter(
      (key) => key.startsWith(prefix) && compareKeys(key, after) > 0,
    )
    yield* keys.toSorted(compareKeys)
  }

  async delete(key: string): Promise<void> {
    checkKey(key)
    this.#objects.delete(key)
  }

  localPath(): null {
    return null
  }
}

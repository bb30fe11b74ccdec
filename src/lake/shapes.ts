/**
 * The shapes of a lake's tables, each a file that never changes, named by its content.
 *
 * Files and manifests name the shape by its key. What was read or written once is remembered.
 */

import { fail, hasCode } from '../core/errors.ts'
import type { ObjectStore } from '../core/object-store.ts'
import type { Shape } from '../core/table.ts'
import { shapeHash, shapeKey } from './layout.ts'
import { decodeShape, encodeShape } from './shape-json.ts'

export class Shapes {
  readonly #store: ObjectStore
  readonly #known = new Map<string, Shape>()
  /** Saves the hash of a shape that is written with every file. */
  readonly #keys = new WeakMap<Shape, string>()

  constructor(store: ObjectStore) {
    this.#store = store
  }

  /** Rejects with OBJECT_MISSING, or LAKE_DAMAGED if the file is not what its name says. */
  async read(key: string): Promise<Shape> {
    const known = this.#known.get(key)
    if (known) return known
    const bytes = await this.#store.get(key)
    if (bytes === null) return fail('OBJECT_MISSING', `not in the lake: ${key}`)
    const hash = shapeHash(bytes)
    if (!key.endsWith(`/${hash}.json`)) {
      fail('LAKE_DAMAGED', `${key} is not what was written: its hash is ${hash}`)
    }
    const shape = decodeShape(bytes, key)
    this.#known.set(key, shape)
    return shape
  }

  /** Resolves to the key once the shape is durable. */
  async write(shape: Shape): Promise<string> {
    const key = this.#keys.get(shape) ?? shapeKey(shape)
    if (this.#known.has(key)) return key
    try {
      await this.#store.put(key, encodeShape(shape), { ifAbsent: true })
    } catch (error) {
      if (!hasCode(error, 'OBJECT_EXISTS')) throw error // else it has the same bytes
    }
    this.#known.set(key, shape)
    this.#keys.set(shape, key)
    return key
  }

  /** Takes a shape from a roll-up, which holds them so that a restart need not read the files. */
  learn(key: string, shape: Shape): void {
    this.#known.set(key, shape)
  }
}

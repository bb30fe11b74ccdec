/**
 * The folders of a folder store, made and made durable.
 *
 * A name is durable when the folder that holds it was synced after the name was written, and that
 * folder's own name is durable. So the first time a folder is used, it is made if need be and its
 * parent is synced, whoever made it: a process that died may have left it in the page cache only.
 *
 * Syncs of one folder are shared. Who asks while one runs waits for the next, which serves all who
 * asked meanwhile: the running one may have begun before the asker's name was there.
 */

import { mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'

import { errnoOf, fromWriting } from './errno.ts'

/** More than any task has in use at once; each day makes new ones. */
const REMEMBERED = 20_000

interface Sync {
  readonly now: Promise<void>
  next: Promise<void> | null
}

export class Folders {
  readonly #root: string
  readonly #ready = new Map<string, Promise<void>>()
  readonly #syncs = new Map<string, Sync>()

  constructor(root: string) {
    this.#root = root
  }

  /** Resolves once the folder exists, durably. */
  ready(folder: string): Promise<void> {
    const known = this.#ready.get(folder)
    if (known) return known
    if (this.#ready.size >= REMEMBERED) this.#ready.clear()
    const made = folder === this.#root ? this.#makeRoot() : this.#make(folder)
    this.#ready.set(folder, made)
    made.catch(() => this.#ready.delete(folder))
    return made
  }

  /** Somebody removed folders behind our back: look again. */
  forget(): void {
    this.#ready.clear()
  }

  /** Resolves once every name that the folder has now is durable. */
  sync(folder: string): Promise<void> {
    const running = this.#syncs.get(folder)
    if (!running) return this.#begin(folder)
    running.next ??= running.now.then(
      () => this.#begin(folder),
      () => this.#begin(folder),
    )
    return running.next
  }

  #begin(folder: string): Promise<void> {
    const sync: Sync = { now: syncFolder(folder), next: null }
    this.#syncs.set(folder, sync)
    const done = (): void => {
      if (sync.next === null) this.#syncs.delete(folder)
    }
    sync.now.then(done, done)
    return sync.now
  }

  async #make(folder: string): Promise<void> {
    const parent = dirname(folder)
    await this.ready(parent)
    try {
      await mkdir(folder)
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw fromWriting(error, folder)
    }
    await this.sync(parent)
  }

  async #makeRoot(): Promise<void> {
    try {
      const first = await mkdir(this.#root, { recursive: true })
      if (first === undefined) return
      for (let path = this.#root; path.length >= first.length; path = dirname(path)) {
        await this.sync(dirname(path))
      }
    } catch (error) {
      const isFile = errnoOf(error) === 'EEXIST'
      throw fromWriting(isFile ? notAFolder(error) : error, this.#root)
    }
  }
}

function notAFolder(cause: unknown): Error {
  return Object.assign(new Error('it is a file, not a folder', { cause }), { code: 'ENOTDIR' })
}

async function syncFolder(folder: string): Promise<void> {
  try {
    await using handle = await open(folder, 'r')
    await handle.sync()
  } catch (error) {
    throw fromWriting(error, folder)
  }
}

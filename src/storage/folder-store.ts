/**
 * An object store in a folder of a local disk.
 *
 *   draft ──write, fsync──► draft ──link or rename──► object ──fsync folder──► durable
 *
 * `link` refuses a name that is taken, `rename` replaces it; both are atomic, and before them the
 * bytes are on disk. So an object is whole or not there, whenever the power goes.
 */

import { createReadStream, existsSync } from 'node:fs'
import { link, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'

import { CodedError } from '../core/errors.ts'
import type { Body, ObjectStore, PutOptions } from '../core/object-store.ts'
import { piecesOf } from './body.ts'
import { Drafts, type Draft } from './drafts.ts'
import { errnoOf, fromReading, fromWriting } from './errno.ts'
import { listFolder } from './folder-list.ts'
import { Folders } from './folders.ts'
import { checkKey } from './keys.ts'

const READ_BYTES = 256 * 1024

export class FolderStore implements ObjectStore {
  readonly url: string
  readonly #folders: Folders
  readonly #drafts = new Drafts()

  constructor(root: string) {
    this.url = resolve(root)
    this.#folders = new Folders(this.url)
  }

  async put(key: string, body: Body, { ifAbsent = false }: PutOptions = {}): Promise<void> {
    const path = this.localPath(key)
    const draft = await this.#open(dirname(path), isDeep(key))
    try {
      await this.#write(draft, body, path)
      if (ifAbsent) await publishNew(draft, path, key)
      else await on(path, rename(draft.path, path))
    } finally {
      await rm(draft.path, { force: true })
    }
    await on(path, this.#folders.sync(dirname(path))) // or a power cut could still forget the name
  }

  async get(key: string): Promise<Buffer | null> {
    const path = this.localPath(key)
    try {
      return await readFile(path)
    } catch (error) {
      if (isMissing(error)) return null
      throw fromReading(error, path)
    }
  }

  async *read(key: string): AsyncGenerator<Buffer> {
    const path = this.localPath(key)
    try {
      yield* createReadStream(path, { highWaterMark: READ_BYTES })
    } catch (error) {
      if (!isMissing(error)) throw fromReading(error, path)
      throw new CodedError('OBJECT_MISSING', `not in the lake: ${path}`, { cause: error })
    }
  }

  list(prefix: string, after = ''): AsyncGenerator<string> {
    return listFolder(this.url, prefix, after)
  }

  async delete(key: string): Promise<void> {
    const path = this.localPath(key)
    try {
      await rm(path)
    } catch (error) {
      if (!isMissing(error)) throw fromWriting(error, path)
    }
  }

  async tidy(folder: string): Promise<void> {
    const path = join(this.url, folder)
    if (!existsSync(path)) return
    const draft = await on(path, this.#drafts.open(path))
    try {
      await on(path, this.#drafts.sweepAround(draft))
    } finally {
      await draft.handle.close()
      await rm(draft.path, { force: true })
    }
  }

  localPath(key: string): string {
    checkKey(key)
    return join(this.url, key)
  }

  async #write(draft: Draft, body: Body, path: string): Promise<void> {
    const { handle } = draft
    try {
      await on(path, this.#drafts.sweepAround(draft))
      for await (const piece of piecesOf(body)) await on(path, handle.writeFile(piece))
      await on(path, handle.sync())
    } finally {
      await handle.close()
    }
  }

  async #open(folder: string, isAbove: boolean): Promise<Draft> {
    const place = isAbove ? dirname(folder) : folder
    await this.#folders.ready(folder)
    try {
      return await this.#drafts.open(place)
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw fromWriting(error, place)
      this.#folders.forget() // an operator removed the folder after we had made it
      await this.#folders.ready(folder)
      return on(place, this.#drafts.open(place))
    }
  }
}

/**
 * The folders of a day or of a load are written to for a while and then never again, so nobody would
 * find the draft of a killed process there. Objects that lie so deep are drafted one folder above.
 */
function isDeep(key: string): boolean {
  return key.split('/').length > 3
}

async function publishNew(draft: Draft, path: string, key: string): Promise<void> {
  try {
    await link(draft.path, path)
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw fromWriting(error, path)
    throw new CodedError('OBJECT_EXISTS', `already written: ${key}`, { cause: error })
  }
}

/** Translates the failure of a step of writing; what a body throws stays as it is. */
async function on<T>(path: string, step: Promise<T>): Promise<T> {
  try {
    return await step
  } catch (error) {
    throw fromWriting(error, path)
  }
}

/** A folder is no object, and below a file there are none. */
function isMissing(error: unknown): boolean {
  const errno = errnoOf(error)
  return errno === 'ENOENT' || errno === 'ENOTDIR' || errno === 'EISDIR'
}

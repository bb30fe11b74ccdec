/**
 * Drafts: files that are still being written, beside the place where they will appear or, where
 * folders come and go, one folder above it.
 *
 *   .draft-db7-4711-12      host, process, count
 *
 * They begin with a dot, have no known suffix and are not listed, so no reader takes one for data.
 * A process that was killed leaves its drafts behind. They are removed when a later process first
 * writes to the same folder: at once if it can tell that their process is gone, else when they were
 * not touched for an hour, by the clock of the file system, which all machines that share it share.
 */

import { open, readdir, rm, stat, type FileHandle } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname, join } from 'node:path'

import { escapeName } from '../core/table.ts'
import { errnoOf } from './errno.ts'
import { DRAFT_PREFIX } from './keys.ts'

export interface Draft {
  readonly path: string
  readonly handle: FileHandle
}

const ABANDONED_AFTER_MS = 60 * 60 * 1000
const NAME = /^\.draft-(.+)-(\d+)-\d+$/
const HOST = escapeName(hostname())

/** More folders than any task writes to at once; each day makes new ones. */
const REMEMBERED = 20_000

export class Drafts {
  readonly #swept = new Set<string>()
  #count = 0

  /** Opens a new draft. Two stores of one process, or two machines, may have to try several names. */
  async open(folder: string): Promise<Draft> {
    for (;;) {
      const path = join(folder, `${DRAFT_PREFIX}${HOST}-${process.pid}-${this.#count++}`)
      try {
        return { path, handle: await open(path, 'wx') }
      } catch (error) {
        if (errnoOf(error) !== 'EEXIST') throw error
      }
    }
  }

  /** Removes what dead processes left in the folder of a draft, the first time it is asked to. */
  async sweepAround(own: Draft): Promise<void> {
    const folder = dirname(own.path)
    if (this.#swept.has(folder)) return
    if (this.#swept.size >= REMEMBERED) this.#swept.clear()
    this.#swept.add(folder)
    const names = await readdir(folder)
    const drafts = names.filter((name) => name.startsWith(DRAFT_PREFIX))
    const { mtimeMs: now } = await own.handle.stat()
    for (const name of drafts) {
      const path = join(folder, name)
      if (path === own.path || !(await isAbandoned(name, path, now))) continue
      await rm(path, { force: true }).catch(() => {}) // what we may not remove does no harm
    }
  }
}

async function isAbandoned(name: string, path: string, now: number): Promise<boolean> {
  const [, host, pid] = NAME.exec(name) ?? []
  if (host === HOST && !isAlive(Number(pid))) return true
  try {
    return now - (await stat(path)).mtimeMs > ABANDONED_AFTER_MS
  } catch {
    return false // it became an object, or is gone
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0) // sends nothing, but tells whether it could
  } catch (error) {
    return errnoOf(error) !== 'ESRCH'
  }
}

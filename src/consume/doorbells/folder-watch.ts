/**
 * Rings for a lake in a folder, as a bucket does by itself: once for each new manifest.
 *
 *   folder changed, or some time has passed ─► manifest n + 1? ─► ring ─► n + 2? …
 *
 * The log is dense, so the next manifest is asked for by its name; the folder, which may hold hundreds
 * of thousands, is never read but once at the start. The file system's own notices only save time:
 * they get lost, and do not exist everywhere, so the watch looks by itself every now and then.
 */

import { createHash } from 'node:crypto'
import { watch } from 'node:fs'
import { join } from 'node:path'

import { Bell } from '../../core/bell.ts'
import type { Clock } from '../../core/clock.ts'
import type { ObjectStore } from '../../core/object-store.ts'
import { manifestKey, MANIFESTS_FOLDER, parseManifestKey } from '../../lake/layout.ts'
import type { Notice } from './notice.ts'

export interface FolderWatchParts {
  readonly store: Pick<ObjectStore, 'url' | 'get' | 'list'>
  /** What stands in the events as the name of the bucket. */
  readonly bucket: string
  /** Rings for manifests after this one. */
  readonly after: number
  readonly clock: Clock
  /** How often it looks when the file system says nothing. */
  readonly everyMs: number
  readonly ring: (notice: Notice) => void
}

export class FolderWatch {
  readonly #parts: FolderWatchParts
  readonly #changed = new Bell()
  #n: number

  constructor(parts: FolderWatchParts) {
    this.#parts = parts
    this.#n = parts.after
  }

  /** Until the signal aborts. Rejects if the folder cannot be read. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, everyMs } = this.#parts
    using _ = this.#watchFolder()
    signal.addEventListener('abort', () => this.#changed.ring(), { once: true })
    await this.#passOver()
    while (!signal.aborted) {
      while (await this.#ringNext());
      const done = new AbortController()
      await Promise.race([this.#changed.heard(), clock.sleep(everyMs, done.signal)])
      done.abort()
    }
  }

  /** What retention has removed does not ring. */
  async #passOver(): Promise<void> {
    const { store } = this.#parts
    for await (const key of store.list(MANIFESTS_FOLDER, manifestKey(this.#n))) {
      const first = parseManifestKey(key)
      if (first === null) continue
      this.#n = first - 1
      return
    }
  }

  /** False if there is no manifest more. */
  async #ringNext(): Promise<boolean> {
    const { store, bucket, clock, ring } = this.#parts
    const key = manifestKey(this.#n + 1)
    const bytes = await store.get(key)
    if (bytes === null) return false
    this.#n++
    ring({
      bucket,
      key,
      size: bytes.length,
      eTag: createHash('md5').update(bytes).digest('hex'),
      at: clock.now(),
      sequencer: this.#n.toString(16).toUpperCase().padStart(16, '0'),
    })
    return true
  }

  #watchFolder(): Disposable {
    try {
      const folder = join(this.#parts.store.url, MANIFESTS_FOLDER)
      const watcher = watch(folder, () => this.#changed.ring())
      watcher.on('error', () => watcher.close())
      return { [Symbol.dispose]: () => watcher.close() }
    } catch {
      // It is not there yet, or the system has no more of these: then we look every now and then.
      return { [Symbol.dispose]: () => {} }
    }
  }
}

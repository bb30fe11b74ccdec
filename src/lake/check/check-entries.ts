/**
 * Looks at what the entries of manifests name: data files, and shapes.
 *
 * A missing part of a load is no finding yet: it may have gone in good order, which only the rest of
 * the log can tell.
 */

import { BlockPool } from '../../core/change-log.ts'
import type { ChangesEntry, Entry, LoadPartEntry } from '../../core/manifest.ts'
import type { Shape } from '../../core/table.ts'
import { allOf } from '../log/at-once.ts'
import type { LogReader } from '../log/log-reader.ts'
import type { LogState } from '../log/log-state.ts'
import type { Shapes } from '../shapes.ts'
import { checkChanges, checkLoadPart } from './check-files.ts'
import type { LoadRules } from './check-loads.ts'
import { CURES, cureOfFile, damaged, findingOf, type Finding } from './finding.ts'

export interface CheckProgress {
  manifests: number
  files: number
  bytes: number
}

export interface EntryCheckParts {
  readonly reader: LogReader
  readonly shapes: Shapes
  readonly loads: LoadRules
  /** Counted up on the way. */
  readonly told: CheckProgress
}

const FILES_AT_ONCE = 4

export class EntryCheck {
  readonly missingParts: { readonly load: string; readonly finding: Finding }[] = []
  readonly #parts: EntryCheckParts
  readonly #pool = new BlockPool()
  /** Shapes by key; `null` for one that cannot be read. */
  readonly #known = new Map<string, Shape | null>()

  constructor(parts: EntryCheckParts) {
    this.#parts = parts
  }

  /** Several at a time; what is found keeps the order of the entries. */
  async check(
    entries: readonly Entry[],
    { isStateKnown }: { readonly isStateKnown: boolean },
  ): Promise<Finding[]> {
    const found: Finding[][] = []
    const tasks = entries.map((entry, i) => async (): Promise<void> => {
      found[i] = await this.#entry(entry, isStateKnown)
    })
    await allOf(tasks, FILES_AT_ONCE)
    return found.flat()
  }

  async #entry(entry: Entry, isStateKnown: boolean): Promise<Finding[]> {
    if ('shape' in entry) {
      const [shape, wrong] = await this.#shape(entry.shape)
      if (wrong || shape === null) return wrong ? [wrong] : []
    }
    if (entry.type === 'changes') return this.#changes(entry)
    return entry.type === 'load-part' ? this.#part(entry, isStateKnown) : []
  }

  async #changes(entry: ChangesEntry): Promise<Finding[]> {
    const { path, table, bytes } = entry
    this.#count(bytes)
    try {
      const wrong = await checkChanges(this.#parts.reader, entry, this.#pool)
      return wrong.map((message) => damaged(path, message, cureOfFile(table)))
    } catch (error) {
      return [findingOf(error, path, cureOfFile(table))]
    }
  }

  async #part(entry: LoadPartEntry, isStateKnown: boolean): Promise<Finding[]> {
    const { path, table, load, bytes } = entry
    const key = this.#parts.loads.shapeOf(load)
    const shape = key === null ? null : (await this.#shape(key))[0]
    // Without the shape nothing can be read; that it is unknown is a finding already.
    if (shape === null && isStateKnown) return []
    this.#count(bytes)
    try {
      const wrong = shape ? await checkLoadPart(this.#parts.reader, entry, shape) : []
      return wrong.map((message) => damaged(path, message, cureOfFile(table)))
    } catch (error) {
      const finding = findingOf(error, path, cureOfFile(table))
      if (finding.code !== 'OBJECT_MISSING') return [finding]
      this.missingParts.push({ load, finding })
      return []
    }
  }

  #count(bytes: number): void {
    this.#parts.told.files++
    this.#parts.told.bytes += bytes
  }

  /** The shape, and what is wrong with its file, which is told once. */
  async #shape(key: string): Promise<[Shape | null, Finding | null]> {
    const known = this.#known.get(key)
    if (known !== undefined) return [known, null]
    try {
      const shape = await this.#parts.shapes.read(key)
      this.#known.set(key, shape)
      return [shape, null]
    } catch (error) {
      const isNews = !this.#known.has(key)
      this.#known.set(key, null)
      return [null, isNews ? findingOf(error, key, CURES.manifest) : null]
    }
  }

  /** The shapes of all tables of a state, as far as their files could be read. */
  definitions({ tables }: LogState): ReadonlyMap<string, Shape> {
    const shapes = new Map<string, Shape>()
    for (const { shape } of tables.values()) {
      const known = this.#known.get(shape)
      if (known) shapes.set(shape, known)
    }
    return shapes
  }
}

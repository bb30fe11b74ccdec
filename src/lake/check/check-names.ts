/**
 * Looks at everything that lies in the lake: is it of the lake, and does a manifest name it?
 *
 * Of the names that manifests mention, only a few bytes of a hash are kept, so that a million files
 * need a few dozen megabytes.
 */

import { createHash } from 'node:crypto'

import type { ObjectStore } from '../../core/object-store.ts'
import {
  EXCLUSIONS_KEY,
  KEPT_KEY,
  LAKE_INFO_KEY,
  parseChangesKey,
  parseConsumerKey,
  parseLoadKey,
  parseManifestKey,
  isResumeKey,
  parseRequestKey,
  parseRollupKey,
  STAGE_FOLDER,
} from '../layout.ts'
import { CURES, type Finding } from './finding.ts'

export class Names {
  readonly #hashes = new Set<number>()

  add(path: string): void {
    this.#hashes.add(hashOf(path))
  }

  has(path: string): boolean {
    return this.#hashes.has(hashOf(path))
  }
}

const HASH_BYTES = 6

function hashOf(path: string): number {
  return createHash('sha1').update(path).digest().readUIntBE(0, HASH_BYTES)
}

export interface NamedFiles {
  readonly named: Names
  /** The last manifest that was looked at; files of later ones are under way. */
  readonly head: number
  /** Manifests that could not be read: what they name is not known. */
  readonly isLost: (n: number) => boolean
  /** Whether the log has ever begun a load. */
  readonly isKnownLoad: (load: string) => boolean
}

/** Loads that the log does not know may have begun meanwhile: they are for the caller to judge. */
export interface UnnamedLoad extends Finding {
  readonly load: string
}

/** What is not named, or is no file of a lake. */
export async function* checkNames(
  store: ObjectStore,
  files: NamedFiles,
): AsyncGenerator<Finding | UnnamedLoad> {
  for await (const file of store.list('')) {
    if (isOurs(file) || files.named.has(file)) continue
    const finding = judge(file, files)
    if (finding !== null) yield finding
  }
}

function judge(
  file: string,
  { head, isLost, isKnownLoad }: NamedFiles,
): Finding | UnnamedLoad | null {
  const message = 'no manifest names it'
  const changes = parseChangesKey(file)
  if (changes !== null) {
    const isNamedElsewhere = changes.n > head || isLost(changes.n)
    return isNamedElsewhere ? null : { code: 'FILE_UNNAMED', file, message, cure: CURES.unnamed }
  }
  const part = parseLoadKey(file)
  if (part !== null) {
    const finding: Finding = { code: 'FILE_UNNAMED', file, message, cure: CURES.unnamedLoad }
    // A part is written before it is named, and a load is named while it goes on.
    return isKnownLoad(part.load) ? null : { ...finding, load: part.load }
  }
  return { code: 'LAKE_FOREIGN', file, message: 'it is no file of a lake', cure: CURES.foreign }
}

const SHAPE = /^_millrace\/shapes\/[^/]+\/[^/]+\/[0-9a-f]{12}\.json$/
const PROBE = /^_millrace\/probe\//

function isOurs(key: string): boolean {
  if (!key.startsWith('_millrace/')) return key.startsWith('.')
  return (
    key === LAKE_INFO_KEY ||
    key === KEPT_KEY ||
    key === EXCLUSIONS_KEY ||
    SHAPE.test(key) ||
    PROBE.test(key) ||
    key.startsWith(STAGE_FOLDER) ||
    parseManifestKey(key) !== null ||
    parseRollupKey(key) !== null ||
    parseRequestKey(key) !== null ||
    isResumeKey(key) ||
    parseConsumerKey(key) !== null
  )
}

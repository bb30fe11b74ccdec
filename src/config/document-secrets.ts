/** Finds the references to secrets in a document and puts their values in their places. */

import { dirname, resolve } from 'node:path'

import { type Mistake, mistake } from './mistakes.ts'
import { type Environment, hasPassword, resolveSecret } from './secrets.ts'

export type SecretKey = 'source.url' | 'server.token'

/** Stands where a url should that is not known. */
export const UNRESOLVED = 'postgres://unresolved/'

/** Where a secret stands, with something valid to put in the place of what is not there. */
interface SecretPlace {
  readonly holder: Record<string, unknown>
  readonly name: string
  readonly path: readonly string[]
  /** Who has no use for the secret of this key has none for this one either. */
  readonly key: SecretKey
  readonly standIn: string
}

const SERVER = { name: 'url', key: 'source.url', standIn: UNRESOLVED } as const

/** Types of targets that have a url with a password. */
const SERVERS: ReadonlySet<unknown> = new Set(['postgres', 'redshift'])

function* placesIn(document: Readonly<Record<string, unknown>>): Generator<SecretPlace> {
  const { source, server, targets } = document
  if (isRecord(source)) yield { ...SERVER, holder: source, path: ['source', 'url'] }
  if (isRecord(server)) {
    const token = { name: 'token', key: 'server.token', standIn: 'unresolved' } as const
    yield { ...token, holder: server, path: ['server', 'token'] }
  }
  if (!isRecord(targets)) return
  for (const [name, target] of Object.entries(targets)) {
    if (!isRecord(target) || !SERVERS.has(target['type'])) continue
    yield { ...SERVER, holder: target, path: ['targets', name, 'url'] }
  }
}

export interface SecretOptions {
  /** Names the configuration; relative paths start from its folder. */
  readonly file: string
  readonly env: Environment
  /**
   * Keys whose secrets the caller has no use for: it is no mistake if they are not there. So
   * `status` works where the password of the source is not at hand.
   */
  readonly optional?: readonly SecretKey[]
}

export interface ExpandedSecrets {
  /** The references that were replaced by their values, by key. */
  readonly references: ReadonlyMap<string, string>
  readonly mistakes: readonly Mistake[]
  readonly warnings: readonly Mistake[]
}

/** Changes the document in place. */
export function expandSecrets(
  document: Readonly<Record<string, unknown>>,
  { file, env, optional = [] }: SecretOptions,
): ExpandedSecrets {
  const folder = dirname(resolve(file))
  const references = new Map<string, string>()
  const mistakes: Mistake[] = []
  const warnings: Mistake[] = []
  for (const { holder, name, path, key, standIn } of placesIn(document)) {
    const text = holder[name]
    if (typeof text !== 'string') continue
    const secret = resolveSecret(text, { env, folder })
    if (secret.kind !== 'value') {
      const isMissingSecret = secret.kind === 'missing'
      holder[name] = standIn
      if (isMissingSecret && optional.includes(key)) continue
      mistakes.push({ ...mistake(path, secret.problem), isMissingSecret })
    } else if (secret.isReference) {
      holder[name] = secret.value
      references.set(path.join('.'), text)
    } else if (key === 'server.token' || hasPassword(text)) {
      warnings.push(mistake(path, 'a secret is written out; better refer to it as env:NAME'))
    }
  }
  return { references, mistakes, warnings }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

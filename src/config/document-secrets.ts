/** Finds the references to secrets in a document and puts their values in their places. */

import { dirname, resolve } from 'node:path'

import { type Mistake, mistake } from './mistakes.ts'
import { type Environment, hasPassword, resolveSecret } from './secrets.ts'

/** Where secrets stand, each with something valid to put in the place of what is not there. */
const PLACES = [
  { key: 'source.url', section: 'source', name: 'url', standIn: 'postgres://unresolved/' },
  { key: 'server.token', section: 'server', name: 'token', standIn: 'unresolved' },
] as const

export type SecretKey = (typeof PLACES)[number]['key']

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
  for (const { key, section, name, standIn } of PLACES) {
    const holder = document[section]
    if (!isRecord(holder)) continue
    const text = holder[name]
    if (typeof text !== 'string') continue
    const path = [section, name]
    const secret = resolveSecret(text, { env, folder })
    if (secret.kind !== 'value') {
      const isMissingSecret = secret.kind === 'missing'
      holder[name] = standIn
      if (isMissingSecret && optional.includes(key)) continue
      mistakes.push({ ...mistake(path, secret.problem), isMissingSecret })
    } else if (secret.isReference) {
      holder[name] = secret.value
      references.set(key, text)
    } else if (key === 'server.token' || hasPassword(text)) {
      warnings.push(mistake(path, 'a secret is written out; better refer to it as env:NAME'))
    }
  }
  return { references, mistakes, warnings }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

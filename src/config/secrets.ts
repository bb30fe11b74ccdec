/**
 * Secrets, which a configuration only refers to.
 *
 *   env:NAME     the environment variable NAME
 *   file:PATH    the content of a file, without the line break at its end
 *
 * A secret that is written out works too, and is warned about. No value of a secret is ever part of
 * a message: a message names the reference.
 */

import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'

import { NOT_YET } from './not-yet.ts'

export type Environment = Readonly<Record<string, string | undefined>>

export type Secret =
  | { readonly kind: 'value'; readonly value: string; readonly isReference: boolean }
  /** The reference is right, and nothing is there. */
  | { readonly kind: 'missing'; readonly problem: string }
  /** The reference itself is wrong. */
  | { readonly kind: 'refused'; readonly problem: string }

const REFERENCE = /^(env|file|secretsmanager|ssm):(?!\/\/)(.*)$/s
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/

export interface SecretPlace {
  readonly env: Environment
  /** The folder that relative paths start from: that of the configuration file. */
  readonly folder: string
}

export function resolveSecret(text: string, { env, folder }: SecretPlace): Secret {
  const [, scheme, rest = ''] = REFERENCE.exec(text) ?? []
  switch (scheme) {
    case 'env':
      return fromEnvironment(rest, env)
    case 'file':
      return fromFile(rest, folder)
    case undefined:
      return { kind: 'value', value: text, isReference: false }
    default:
      return {
        kind: 'refused',
        problem: `a reference to ${scheme} ${NOT_YET}; use env:NAME or file:PATH`,
      }
  }
}

function fromEnvironment(name: string, env: Environment): Secret {
  // What does not look like a name may be a password that was pasted here: it is not repeated.
  if (!VARIABLE.test(name)) {
    return { kind: 'refused', problem: 'expected the name of a variable after env:' }
  }
  const value = env[name]
  if (value === undefined) {
    return { kind: 'missing', problem: `the environment variable ${name} is not set` }
  }
  if (value === '') return { kind: 'missing', problem: `the environment variable ${name} is empty` }
  return { kind: 'value', value, isReference: true }
}

function fromFile(path: string, folder: string): Secret {
  if (path === '') return { kind: 'refused', problem: 'expected a path after file:' }
  const file = resolve(folder, path)
  try {
    const value = readFileSync(file, 'utf8').replace(/\r?\n$/, '')
    if (value === '') return { kind: 'missing', problem: `the file ${file} is empty` }
    return { kind: 'value', value, isReference: true }
  } catch (error) {
    return { kind: 'missing', problem: `the file ${file} cannot be read (${codeOf(error)})` }
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error)
}

/**
 * Reads a secret again that stands in a file, since the file may be replaced while we run. Where that
 * does not work, a moment between two files for instance, it is what it was.
 */
export function currentSecret(value: string, file: string | null): () => Promise<string> {
  let last = value
  return async () => {
    const secret = file === null ? null : fromFile(file, '/')
    if (secret?.kind === 'value') last = secret.value
    return last
  }
}

/** The path of a reference to a file; `null` for all else. */
export function fileOf(text: string, folder: string): string | null {
  const [, scheme, path = ''] = REFERENCE.exec(text) ?? []
  return scheme === 'file' ? resolve(folder, path) : null
}

const HIDDEN = '***'
const PASSWORD_PARAMETER = /([?&](?:ssl)?password=)[^&#]*/gi
const CREDENTIALS = /^([a-z][a-z0-9+.-]*:\/\/)([^:/?#]*):(.*)@/is

/** A url as it may be logged: the user stays, the password goes. Text that is no url is hidden. */
export function redact(url: string): string {
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(url)) return HIDDEN
  return url
    .replace(CREDENTIALS, (_, scheme: string, user: string) => `${scheme}${user}:${HIDDEN}@`)
    .replaceAll(PASSWORD_PARAMETER, `$1${HIDDEN}`)
}

export function hasPassword(url: string): boolean {
  return redact(url) !== url
}

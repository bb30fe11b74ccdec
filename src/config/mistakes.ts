/**
 * Mistakes of a configuration, in words for the person who wrote it.
 *
 * zod tells what its schema expected; here that becomes one sentence behind the name of the key. The
 * value itself is never repeated, since it may be a secret.
 */

import type { z } from 'zod'

import { knownKeys } from './json-schema.ts'
import type { Path } from './yaml-source.ts'

export interface Mistake {
  readonly path: Path
  readonly message: string
  /** Whether to point at the key instead of at its value. */
  readonly atKey: boolean
  /** The configuration is right, but a secret that it refers to is not there. */
  readonly isMissingSecret: boolean
}

export function mistake(path: Path, message: string): Mistake {
  return { path, message, atKey: false, isMissingSecret: false }
}

export function mistakesOf(issue: z.core.$ZodIssue): readonly Mistake[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      ...mistake([...issue.path, key], unknownKey(key, issue.path)),
      atKey: true,
    }))
  }
  if (issue.code === 'invalid_key') {
    return [{ ...mistake(issue.path, issue.issues[0]?.message ?? issue.message), atKey: true }]
  }
  return [mistake(issue.path, issue.message)]
}

/** What zod says where the schema has no words of its own. `undefined` leaves it to zod. */
export function describeIssue(issue: z.core.$ZodRawIssue): string | undefined {
  const { code, input } = issue
  if (code === 'invalid_type') {
    if (input === undefined) return 'is missing'
    return `expected ${TYPES[issue.expected] ?? issue.expected}, found ${typeOf(input)}`
  }
  if (code === 'invalid_value') return `expected ${issue.values.map(String).join(' or ')}`
  if (code === 'too_small') return `must be at least ${issue.minimum}`
  if (code === 'too_big') return `must be at most ${issue.maximum}`
  return undefined
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'keys and values',
  record: 'keys and values',
}

function typeOf(input: unknown): string {
  if (input === null) return 'nothing'
  if (Array.isArray(input)) return 'a list'
  return TYPES[typeof input] ?? typeof input
}

function unknownKey(key: string, path: Path): string {
  const known = knownKeys(path)
  const nearest = nearestOf(key, known)
  if (nearest !== null) return `unknown key; did you mean ${nearest}?`
  return known.length > 0 ? `unknown key; known here: ${known.join(', ')}` : 'unknown key'
}

/** The word that differs least, if it differs so little that it may have been meant. */
function nearestOf(word: string, candidates: readonly string[]): string | null {
  let nearest: string | null = null
  let best = Math.max(1, Math.floor(word.length / 3)) + 1
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase())
    if (distance < best) {
      best = distance
      nearest = candidate
    }
  }
  return nearest
}

/** How many letters must be added, removed, replaced or swapped with their neighbour. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      row.push(Math.min(replaced, last[j]! + 1, row[j - 1]! + 1))
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      if (isSwapped) row[j] = Math.min(row[j]!, beforeLast[j - 2]! + 1)
    }
    beforeLast = last
    last = row
  }
  return last[b.length]!
}

/** `targets.warehouse.path`, `source.tables[0]`. */
export function formatKeyPath(path: Path): string {
  let text = ''
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`
    else text += `${text === '' ? '' : '.'}${plainKey(String(step))}`
  }
  return text
}

function plainKey(key: string): string {
  return /^[\w-]+$/.test(key) ? key : JSON.stringify(key)
}

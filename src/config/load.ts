/**
 * Reads `millrace.yaml`: text -> YAML -> secrets -> schema -> a configuration that is ready for use.
 *
 * Whoever writes a configuration wants to hear of all mistakes at once and where each of them stands,
 * so nothing here stops at the first one that can be passed over:
 *
 *   millrace.yaml:4:3 source.tabels: unknown key; did you mean tables?
 *   millrace.yaml:7:11 lake.flush.every: expected a duration such as 100ms, 5s, 1m or 12h
 */

import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

import { fail } from '../core/errors.ts'
import type { Config } from './config.ts'
import { expandSecrets, isRecord, type SecretKey, type SecretOptions } from './document-secrets.ts'
import { finishConfig, modeMistakes, placeMistakes, settingNotes } from './finish.ts'
import { describeIssue, formatKeyPath, type Mistake, mistakesOf } from './mistakes.ts'
import { type ConfigDocument, configSchema } from './schema.ts'
import type { Environment } from './secrets.ts'
import { type Place, YamlSource } from './yaml-source.ts'

export interface Loaded {
  readonly config: Config
  /** For people: what works but should not stay so. */
  readonly warnings: readonly string[]
}

export interface LoadOptions {
  /** Secrets that the caller has no use for, see `SecretOptions`. */
  readonly optional?: readonly SecretKey[]
}

/** Fails with CONFIG_MISSING, CONFIG_INVALID or SECRET_MISSING. */
export function loadConfig(file: string, env: Environment, options: LoadOptions = {}): Loaded {
  return parseConfig(readText(file), { file, env, ...options })
}

export function parseConfig(text: string, options: SecretOptions): Loaded {
  const { file } = options
  const yaml = new YamlSource(text)
  const remarks: Remark[] = yaml.mistakes.map(({ place, message }) => ({ place, message }))
  if (yaml.mistakes.some(({ isHarmless }) => !isHarmless)) return refuse(file, remarks)

  const document = readDocument(yaml, file)
  const { references, mistakes: secretMistakes, warnings } = expandSecrets(document, options)
  const { data, mistakes } = validate(document, references)
  const all = [...secretMistakes, ...mistakes]
  if (data !== null) {
    all.push(...placeMistakes(data, dirname(resolve(file))), ...modeMistakes(data))
  }
  remarks.push(...all.map((found) => remark(yaml, found)))
  if (data === null || remarks.length > 0) {
    const isRight = yaml.mistakes.length === 0 && all.every((found) => found.isMissingSecret)
    return refuse(file, remarks, isRight ? 'SECRET_MISSING' : 'CONFIG_INVALID')
  }
  return {
    config: finishConfig(data, file, references),
    warnings: [...warnings, ...settingNotes(data)].map((found) =>
      format(file, remark(yaml, found)),
    ),
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : null
    if (code === null) throw error
    if (code === 'ENOENT') return fail('CONFIG_MISSING', `there is no file ${file}`)
    return fail('CONFIG_MISSING', `${file} cannot be read (${code})`, {
      hint: 'name a file that you may read with --config',
    })
  }
}

function readDocument(yaml: YamlSource, file: string): Record<string, unknown> {
  const place = { line: 1, column: 1 }
  let value: unknown
  try {
    value = yaml.value()
  } catch (error) {
    // Aliases of aliases that would unfold to millions of values are found only now.
    const message = error instanceof Error ? error.message : String(error)
    return refuse(file, [{ place, message }])
  }
  if (isRecord(value)) return value
  const message = value === null ? 'there are no keys in the file' : 'expected keys and values'
  return refuse(file, [{ place, message }])
}

function validate(
  document: unknown,
  references: ReadonlyMap<string, string>,
): { readonly data: ConfigDocument | null; readonly mistakes: readonly Mistake[] } {
  const result = configSchema.safeParse(document, { error: describeIssue })
  if (result.success) return { data: result.data, mistakes: [] }
  const mistakes = result.error.issues.flatMap(mistakesOf).map((found) => {
    const reference = references.get(formatKeyPath(found.path))
    if (reference === undefined) return found
    return { ...found, message: `${found.message} (that is the value of ${reference})` }
  })
  return { data: null, mistakes }
}

interface Remark {
  readonly place: Place
  readonly message: string
}

function remark(yaml: YamlSource, { path, message, atKey }: Mistake): Remark {
  return {
    place: atKey ? yaml.placeOfKey(path) : yaml.placeOfValue(path),
    message: path.length === 0 ? message : `${formatKeyPath(path)}: ${message}`,
  }
}

function refuse(
  file: string,
  remarks: readonly Remark[],
  code: 'CONFIG_INVALID' | 'SECRET_MISSING' = 'CONFIG_INVALID',
): never {
  const lines = remarks
    .toSorted((a, b) => a.place.line - b.place.line || a.place.column - b.place.column)
    .map((found) => format(file, found))
  if (lines.length === 1) return fail(code, lines[0]!)
  return fail(code, `${file} has ${lines.length} mistakes\n${lines.join('\n')}`)
}

function format(file: string, { place, message }: Remark): string {
  return `${file}:${place.line}:${place.column} ${message}`
}

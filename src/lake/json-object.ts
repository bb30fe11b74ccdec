/**
 * A JSON object of a file of the lake, whose fields are checked as they are read.
 *
 * The lake is read years after it was written, by other versions and after accidents. What is not as
 * the format says fails as LAKE_DAMAGED and names file and field. Fields that nobody asks for are
 * passed over: a later version may write more.
 */

import { CodedError, fail } from '../core/errors.ts'

type Fields = Readonly<Record<string, unknown>>

export class JsonObject {
  readonly #fields: Fields
  readonly #key: string
  /** Where the object stands in the file: empty, or `entries[3].`. */
  readonly #path: string

  private constructor(fields: Fields, key: string, path: string) {
    this.#fields = fields
    this.#key = key
    this.#path = path
  }

  /** `key`: the name of the file, for messages. */
  static parse(bytes: Uint8Array, key: string): JsonObject {
    let value: unknown
    try {
      value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    } catch (cause) {
      throw new CodedError('LAKE_DAMAGED', `${key} is not JSON`, { cause })
    }
    if (!isObject(value)) fail('LAKE_DAMAGED', `${key} is not a JSON object`)
    return new JsonObject(value, key, '')
  }

  /** Throws LAKE_DAMAGED: the field is not what it should be. */
  damaged(name: string, expected: string): never {
    const place = `${this.#path}${name}`
    const found = Object.hasOwn(this.#fields, name) ? `is not ${expected}` : 'is missing'
    return fail('LAKE_DAMAGED', `${this.#key}: ${place} ${found}`)
  }

  text(name: string, pattern?: RegExp): string {
    const value = this.#get(name)
    if (typeof value !== 'string') return this.damaged(name, 'a text')
    return pattern?.test(value) === false ? this.damaged(name, `like ${pattern.source}`) : value
  }

  integer(name: string, least = 0): number {
    const value = this.#get(name)
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least) return value
    return this.damaged(name, `an integer of at least ${least}`)
  }

  flag(name: string): boolean {
    const value = this.#get(name)
    return typeof value === 'boolean' ? value : this.damaged(name, 'true or false')
  }

  choice<T extends string>(name: string, choices: readonly T[]): T {
    const value = this.#get(name)
    return choices.find((choice) => choice === value) ?? this.damaged(name, choices.join(' or '))
  }

  /** What `parse` makes of a text; it is damaged if that is `null`. */
  parsed<T>(name: string, expected: string, parse: (text: string) => T | null): T {
    return parse(this.text(name)) ?? this.damaged(name, expected)
  }

  object(name: string): JsonObject {
    const value = this.#get(name)
    return isObject(value) ? this.#inner(value, name) : this.damaged(name, 'an object')
  }

  objects(name: string): JsonObject[] {
    return this.#list(name).map((value, i) =>
      isObject(value)
        ? this.#inner(value, `${name}[${i}]`)
        : this.damaged(name, 'a list of objects'),
    )
  }

  texts(name: string): string[] {
    return this.#list(name).map((value) =>
      typeof value === 'string' ? value : this.damaged(name, 'a list of texts'),
    )
  }

  integers(name: string): number[] {
    return this.#list(name).map((value) =>
      Number.isSafeInteger(value) ? Number(value) : this.damaged(name, 'a list of integers'),
    )
  }

  isNull(name: string): boolean {
    return this.#get(name) === null
  }

  isText(name: string): boolean {
    return typeof this.#get(name) === 'string'
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#fields, name)
  }

  /** The names of all fields, where the names are data. */
  names(): string[] {
    return Object.keys(this.#fields)
  }

  #get(name: string): unknown {
    return this.has(name) ? this.#fields[name] : undefined
  }

  #list(name: string): unknown[] {
    const value = this.#get(name)
    return Array.isArray(value) ? value : this.damaged(name, 'a list')
  }

  #inner(fields: Fields, name: string): JsonObject {
    return new JsonObject(fields, this.#key, `${this.#path}${name}.`)
  }
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

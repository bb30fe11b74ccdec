/** Whether a text is JSON that fits into a SUPER: what is wrong with it, or `null`. */

const MAX_STRING_BYTES = 65_535
const MAX_DEPTH = 1000
const MAX_BYTES = 16_000_000

export function superProblem(
  text: string,
  maxStringBytes: number = MAX_STRING_BYTES,
): string | null {
  if (Buffer.byteLength(text) > MAX_BYTES) return 'the value exceeds 16 MB'
  try {
    JSON.parse(text)
  } catch {
    return 'not valid JSON'
  }
  return new Walk(text, maxStringBytes).problem()
}

const SPACE = /\s*/y
const STRING = /"(?:[^"\\]|\\.)*"/y
const SCALAR = /[^\s,:[\]{}"]+/y

/** Goes through a text that is known to be JSON. */
class Walk {
  readonly #text: string
  readonly #maxStringBytes: number
  #at = 0

  constructor(text: string, maxStringBytes: number) {
    this.#text = text
    this.#maxStringBytes = maxStringBytes
  }

  /** Without recursion: a document may be nested deeper than the stack. */
  problem(): string | null {
    const open: (Set<string> | null)[] = []
    let isKeyNext = false
    for (;;) {
      this.#take(SPACE)
      const character = this.#text[this.#at]
      if (character === undefined) return null
      if (character === '"') {
        const problem = this.#string(isKeyNext ? open.at(-1)! : null)
        if (problem !== null) return problem
        continue
      }
      if (character === '{' || character === '[') {
        if (open.push(character === '{' ? new Set() : null) > MAX_DEPTH) return 'nested too deeply'
      } else if (character === '}' || character === ']') {
        open.pop()
      } else if (character !== ',' && character !== ':') {
        this.#take(SCALAR)
        continue
      }
      this.#at++
      isKeyNext = character === '{' || (character === ',' && open.at(-1) instanceof Set)
    }
  }

  #string(keys: Set<string> | null): string | null {
    const value = JSON.parse(this.#take(STRING)) as string
    if (value.includes('\0')) return 'Invalid null byte'
    if (keys?.has(value)) return `duplicate key "${value}"`
    keys?.add(value)
    const isTooLong = Buffer.byteLength(value) > this.#maxStringBytes
    return isTooLong ? 'String value exceeds the max size of 65535 bytes' : null
  }

  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0] ?? ''
    this.#at += found.length
    return found
  }
}

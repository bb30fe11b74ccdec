/**
 * A YAML text together with the places of its keys and values, so that a mistake can be pointed at.
 *
 * A path is the list of keys and indices that leads from the top to a value, as zod reports it.
 */

import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  visit,
} from 'yaml'

export type Path = readonly PropertyKey[]

export interface Place {
  readonly line: number
  readonly column: number
}

export interface SyntaxMistake {
  readonly place: Place
  readonly message: string
  /** The text can be read in spite of it. */
  readonly isHarmless: boolean
}

export class YamlSource {
  readonly mistakes: readonly SyntaxMistake[]
  readonly #document: Document
  readonly #lines = new LineCounter()

  constructor(text: string) {
    this.#document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false })
    this.mistakes = [...this.#syntaxMistakes(), ...this.#danglingAliases()]
  }

  #syntaxMistakes(): SyntaxMistake[] {
    return this.#document.errors.map(({ code, message, pos }) => ({
      place: this.#place(pos[0]),
      message: code === 'DUPLICATE_KEY' ? 'this key stands here twice' : firstLine(message),
      isHarmless: code === 'DUPLICATE_KEY',
    }))
  }

  /** The parser of YAML leaves these to whoever asks for the data. */
  #danglingAliases(): SyntaxMistake[] {
    const mistakes: SyntaxMistake[] = []
    visit(this.#document, {
      Alias: (_, alias) => {
        if (alias.resolve(this.#document)) return
        const message = `there is no anchor &${alias.source} before this`
        mistakes.push({ place: this.#place(startOf(alias) ?? 0), message, isHarmless: false })
      },
    })
    return mistakes
  }

  /** The plain data. Only for a text whose mistakes are harmless. */
  value(): unknown {
    return this.#document.toJS()
  }

  /** Where the value at the path stands, or what comes nearest to it if it is left out. */
  placeOfValue(path: Path): Place {
    return this.#place(this.#walk(path).value)
  }

  /** Where the last key of the path stands. */
  placeOfKey(path: Path): Place {
    return this.#place(this.#walk(path).key)
  }

  #walk(path: Path): { readonly key: number; readonly value: number } {
    let node: unknown = this.#document.contents
    let key = startOf(node) ?? 0
    let value = key
    for (const step of path) {
      const child = childOf(this.#resolve(node), step)
      if (child === null) return { key, value: key }
      key = startOf(child.key) ?? startOf(child.value) ?? value
      value = isWrittenOut(child.value) ? (startOf(child.value) ?? key) : key
      node = child.value
    }
    return { key, value }
  }

  #resolve(node: unknown): unknown {
    return isAlias(node) ? node.resolve(this.#document) : node
  }

  #place(offset: number): Place {
    const { line, col } = this.#lines.linePos(offset)
    return { line: Math.max(1, line), column: Math.max(1, col) }
  }
}

function childOf(
  node: unknown,
  step: PropertyKey,
): { readonly key: unknown; readonly value: unknown } | null {
  if (isMap(node)) {
    const pair = node.items.find(({ key }) => nameOf(key) === String(step))
    return pair ?? null
  }
  if (isSeq(node) && typeof step === 'number' && step < node.items.length) {
    return { key: node.items[step], value: node.items[step] }
  }
  return null
}

function nameOf(key: unknown): string {
  return String(isScalar(key) ? key.value : key)
}

/** A map in block style begins on the line after its key, where nobody looks for the mistake. */
function isWrittenOut(node: unknown): boolean {
  if (isMap(node) || isSeq(node)) return node.flow === true
  return !(isScalar(node) && node.value === null && !node.source)
}

function startOf(node: unknown): number | null {
  const { range } = isNode(node) ? node : {}
  return range?.[0] ?? null
}

function isNode(node: unknown): node is Node {
  return isMap(node) || isSeq(node) || isScalar(node) || isAlias(node)
}

function firstLine(message: string): string {
  return message.split('\n', 1)[0]!.replace(/:$/, '')
}

/**
 * Texts of values that did not fit into their columns, for the footer of a Parquet file.
 *
 * Such values mostly are the same few, `infinity` in every other row, so a text stands once for each
 * column, with the stretches of rows that have it, counted from 0 over the whole file:
 *
 *   {"4":{"infinity":[0,3,5,9]}}      rows 0 to 2 and 5 to 8
 *
 * A column is named by its place among those of the shape.
 */

import { fail } from '../../core/errors.ts'

type Stretches = Record<string, Record<string, number[]>>

export class UnfitTexts {
  readonly #columns = new Map<number, Map<string, number[]>>()

  /** Rows come in order. */
  add(column: number, row: number, text: string): void {
    const texts = this.#columns.get(column) ?? new Map<string, number[]>()
    this.#columns.set(column, texts)
    const stretches = texts.get(text) ?? []
    texts.set(text, stretches)
    if (stretches.at(-1) === row) stretches[stretches.length - 1] = row + 1
    else stretches.push(row, row + 1)
  }

  /** `null` if there are none. */
  toJson(): string | null {
    if (this.#columns.size === 0) return null
    const columns = [...this.#columns].map(([column, texts]) => {
      return [String(column), Object.fromEntries(texts)] as const
    })
    return JSON.stringify(Object.fromEntries(columns))
  }
}

interface Stretch {
  readonly from: number
  readonly to: number
  readonly text: string
}

/** Finds the texts again, row by row. */
export class UnfitReader {
  readonly #columns = new Map<number, { readonly stretches: readonly Stretch[]; at: number }>()

  constructor(json: string | null) {
    for (const [column, texts] of Object.entries(parse(json))) {
      const stretches: Stretch[] = []
      for (const [text, places] of Object.entries(texts)) {
        for (let i = 0; i < places.length; i += 2) {
          stretches.push({ from: places[i]!, to: places[i + 1]!, text })
        }
      }
      stretches.sort((a, b) => a.from - b.from)
      this.#columns.set(Number(column), { stretches, at: 0 })
    }
  }

  /** Rows are asked for in order. */
  find(column: number, row: number): string | undefined {
    const found = this.#columns.get(column)
    if (found === undefined) return undefined
    const { stretches } = found
    while (found.at < stretches.length && stretches[found.at]!.to <= row) found.at++
    const stretch = stretches[found.at]
    return stretch !== undefined && stretch.from <= row ? stretch.text : undefined
  }
}

function parse(json: string | null): Stretches {
  if (json === null) return {}
  const columns: unknown = JSON.parse(json)
  return isStretches(columns) ? columns : fail('LAKE_DAMAGED', 'its texts are not where they were')
}

function isStretches(value: unknown): value is Stretches {
  if (!isObject(value)) return false
  return Object.values(value).every(
    (texts) =>
      isObject(texts) &&
      Object.values(texts).every((all) => Array.isArray(all) && all.every(Number.isInteger)),
  )
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Puts the values of one column of a table into its pages, whatever its form is. */

import { isUtf8 } from 'node:buffer'

import { arrayToJson } from '../../core/array-json.ts'
import type { LogicalType } from '../../core/type.ts'
import { ArrayElements } from './array-text.ts'
import { GrowingBytes } from './growing-bytes.ts'
import { schemaElements, type ParquetForm, type ScalarForm } from './parquet-form.ts'
import { PageWriter, type PageColumn } from './parquet-pages.ts'
import { nearest, putOf, type Put } from './parquet-put.ts'

export interface ColumnValues {
  readonly pages: PageWriter
  /** The text `source[start, end)` as the next value; false, and nothing is added, if it does not fit. */
  add(source: Buffer, start: number, end: number): boolean
  addNull(): void
  /** The nearest value to a text that did not fit; false if there is none. */
  addNearest(source: Buffer, start: number, end: number): boolean
}

export function columnValues(name: string, form: ParquetForm): ColumnValues {
  if (form.kind === 'list') return new ListValues(name, form)
  return new ScalarValues(name, form)
}

const RANGES: Partial<Record<ParquetForm['kind'], PageColumn['range']>> = {
  list: 'none',
  decimal: 'decimals',
}

function pagesOf(name: string, form: ParquetForm): PageWriter {
  const elements = schemaElements(name, form)
  const { type } = elements.at(-1)!
  return new PageWriter({
    path: elements.map((element) => element.name),
    type: type!,
    maxDefinition: form.kind === 'list' ? 3 : 1,
    range: RANGES[form.kind] ?? 'integers',
  })
}

class ScalarValues implements ColumnValues {
  readonly pages: PageWriter
  readonly #form: Exclude<ParquetForm, { kind: 'list' }>
  readonly #put: Put

  constructor(name: string, form: Exclude<ParquetForm, { kind: 'list' }>) {
    this.pages = pagesOf(name, form)
    this.#form = form
    this.#put = form.kind === 'json-array' ? putJson(form.element) : putOf(form)
  }

  add(source: Buffer, start: number, end: number): boolean {
    if (!this.#put(this.pages.values, source, start, end)) return false
    this.pages.added()
    return true
  }

  addNull(): void {
    this.pages.addNull()
  }

  addNearest(source: Buffer, start: number, end: number): boolean {
    if (this.#form.kind === 'json-array') return false
    const text = nearest(this.#form, source.toString('latin1', start, end))
    if (text === null) return false
    const bytes = Buffer.from(text)
    return this.add(bytes, 0, bytes.length)
  }
}

class ListValues implements ColumnValues {
  readonly pages: PageWriter
  readonly #form: ScalarForm
  readonly #put: Put
  readonly #elements = new ArrayElements()
  /** The elements of one array, which may turn out not to fit. */
  readonly #values = new GrowingBytes()

  constructor(name: string, form: ParquetForm & { kind: 'list' }) {
    this.pages = pagesOf(name, form)
    this.#form = form.element
    this.#put = putOf(form.element)
  }

  add(source: Buffer, start: number, end: number): boolean {
    return this.#addAll(source, start, end, false)
  }

  addNull(): void {
    this.pages.addLevels(0, 0)
  }

  addNearest(source: Buffer, start: number, end: number): boolean {
    return this.#addAll(source, start, end, true)
  }

  // oxlint-disable-next-line eslint/max-params -- a place in memory, and one flag
  #addAll(source: Buffer, start: number, end: number, isNearest: boolean): boolean {
    const elements = this.#elements
    const values = this.#values
    values.clear()
    if (!elements.read(source, start, end)) return false
    for (let i = 0; i < elements.count; i++) {
      const from = elements.starts[i]!
      if (from < 0 || this.#put(values, elements.bytes, from, elements.ends[i]!)) continue
      if (!isNearest || !this.#putNearest(elements.bytes, from, elements.ends[i]!)) return false
    }
    this.pages.values.raw(values.bytes, 0, values.length)
    if (elements.count === 0) this.pages.addLevels(1, 0)
    for (let i = 0; i < elements.count; i++) {
      this.pages.addLevels(elements.starts[i]! < 0 ? 2 : 3, i === 0 ? 0 : 1)
    }
    this.pages.listEnd()
    return true
  }

  #putNearest(source: Buffer, start: number, end: number): boolean {
    const text = nearest(this.#form, source.toString('latin1', start, end))
    if (text === null) return false
    const bytes = Buffer.from(text)
    return this.#put(this.#values, bytes, 0, bytes.length)
  }
}

function putJson(element: LogicalType): Put {
  return (out, source, start, end) => {
    if (!isUtf8(source.subarray(start, end))) return false
    const json = arrayToJson(source.toString('utf8', start, end), element)
    if (json === null) return false
    out.sized(Buffer.from(json))
    return true
  }
}

/**
 * Numbers and tables as people read them.
 *
 * Pure text to text, for `status`, `tables` and the live table of `run`. Widths are those of the
 * visible characters, so that cells may have colours.
 */

import { stripVTControlCharacters } from 'node:util'

/** `1,234,567`. */
export function formatCount(count: number): string {
  return Math.round(count)
    .toString()
    .replaceAll(/\B(?=(\d{3})+$)/g, ',')
}

/** `12,300 rows/s`. */
export function formatRate(perSecond: number): string {
  return `${formatCount(perSecond)} rows/s`
}

/** `████░░░  57 %`, always the same width. Never full before it is. */
export function progressBar(fraction: number, width: number): string {
  const done = Math.min(1, Math.max(0, fraction))
  const full = Math.floor(done * width)
  // 0.57 * 100 is 56.99999999999999.
  const percent = `${Math.floor(done * 100 + 1e-9)} %`.padStart(5)
  return `${'█'.repeat(full)}${'░'.repeat(width - full)} ${percent}`
}

export interface TableColumn {
  readonly title: string
  readonly align: 'left' | 'right'
}

/** A title line and one line per row, with two spaces between columns and none at the ends. */
export function alignTable(
  columns: readonly TableColumn[],
  rows: readonly (readonly string[])[],
): string {
  const lines = [columns.map(({ title }) => title), ...rows]
  const widths = columns.map((_, i) => Math.max(...lines.map((cells) => widthOf(cells[i] ?? ''))))
  return lines
    .map((cells) => {
      const padded = columns.map(({ align }, i) => pad(cells[i] ?? '', widths[i]!, align))
      return `${padded.join('  ').trimEnd()}\n`
    })
    .join('')
}

function pad(text: string, width: number, align: TableColumn['align']): string {
  const space = ' '.repeat(width - widthOf(text))
  return align === 'left' ? text + space : space + text
}

function widthOf(text: string): number {
  return Array.from(stripVTControlCharacters(text)).length
}

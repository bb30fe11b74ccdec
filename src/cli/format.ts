/**
 * Numbers and tables as people read them.
 *
 * Pure text to text, for `status`, `tables` and the live table of `run`. Widths are those of the
 * visible characters, so that cells may have colours.
 */

import { stripVTControlCharacters } from 'node:util'

const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB']

/** `1,234,567`. */
export function formatCount(count: number): string {
  return Math.round(count)
    .toString()
    .replaceAll(/\B(?=(\d{3})+$)/g, ',')
}

/** `980 B`, `1.2 GiB`: three digits are enough to judge a size. */
export function formatBytes(bytes: number): string {
  let value = bytes
  let unit = 0
  // From 999.5 on it would be rounded to four digits.
  while (value >= 999.5 && unit < BYTE_UNITS.length - 1) {
    value /= 1024
    unit++
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : 1
  return `${value.toFixed(digits)} ${BYTE_UNITS[unit]}`
}

/** `12,300 rows/s`. */
export function formatRate(perSecond: number): string {
  return `${formatCount(perSecond)} rows/s`
}

/** `850 ms`, `4.2 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`. */
export function formatDuration(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)} ms`
  if (ms < 9950) return `${(ms / 1000).toFixed(1)} s`
  const seconds = Math.round(ms / 1000)
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3600) return twoUnits(seconds, 60, ['min', 's'])
  const minutes = Math.round(seconds / 60)
  if (minutes < 1440) return twoUnits(minutes, 60, ['h', 'min'])
  return twoUnits(Math.round(minutes / 60), 24, ['d', 'h'])
}

function twoUnits(amount: number, size: number, [big, small]: readonly [string, string]): string {
  const rest = amount % size
  const whole = `${Math.floor(amount / size)} ${big}`
  return rest === 0 ? whole : `${whole} ${rest} ${small}`
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

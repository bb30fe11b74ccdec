/** The tables of a benchmark: what was measured, and how that stands to the figures to reach. */

import { cpuRatio, medianOf, speedRatio, type Series } from './measurement.ts'
import type { BenchmarkName } from './options.ts'

/** One figure to reach. */
export interface Figure {
  readonly what: string
  readonly measured: string
  readonly reach: string
  /** `null` if it was not measured in the size that the figure is about, or not at all. */
  readonly isReached: boolean | null
}

export interface Report {
  readonly name: BenchmarkName
  readonly title: string
  /** How it was measured, in a sentence or two. */
  readonly how: string
  readonly figures: readonly Figure[]
  /** The first row is the header. */
  readonly table: readonly (readonly string[])[]
}

const MIB = 1024 * 1024

/** All contenders against the first one, the floor. */
export function seriesTable(series: readonly Series[]): string[][] {
  const floor = series[0]!
  const header = ['', 'speed', 'CPU', 'rows/s', 'CPU s per million rows', 'peak RSS', 'seconds']
  const lines = series.map((one) => [
    one === floor ? `floor: ${one.name}` : one.name,
    times(speedRatio(one, floor)),
    times(cpuRatio(one, floor)),
    thousands(medianOf(one, ({ rows, seconds }) => rows / seconds)),
    fixed(medianOf(one, (m) => (m.cpuSeconds === null ? null : (m.cpuSeconds / m.rows) * 1e6))),
    mebibytes(medianOf(one, ({ peakRss }) => peakRss)),
    one.rounds.map(({ seconds }) => seconds.toFixed(1)).join(' '),
  ])
  return [header, ...lines]
}

export function atLeast(what: string, value: number, reach: number): Figure {
  return { what, measured: times(value), reach: `>= ${times(reach)}`, isReached: value >= reach }
}

export function atMost(what: string, value: number, reach: number): Figure {
  return { what, measured: times(value), reach: `<= ${times(reach)}`, isReached: value <= reach }
}

export function memory(what: string, series: readonly Series[], reachMib: number): Figure {
  const peak = Math.max(...series.map((one) => medianOf(one, ({ peakRss }) => peakRss)))
  return {
    what,
    measured: mebibytes(peak),
    reach: `<= ${reachMib} MiB`,
    isReached: peak <= reachMib * MIB,
  }
}

export function times(ratio: number): string {
  return Number.isNaN(ratio) ? 'unknown' : `${ratio.toFixed(2)}x`
}

export function thousands(value: number): string {
  return `${(value / 1000).toFixed(value < 10_000 ? 1 : 0)} k`
}

export function millions(value: number): string {
  return value >= 1_000_000
    ? `${Number((value / 1e6).toFixed(2))} M`
    : `${Math.round(value / 1000)} k`
}

function mebibytes(bytes: number): string {
  return Number.isNaN(bytes) ? 'unknown' : `${Math.round(bytes / MIB)} MiB`
}

function fixed(value: number): string {
  return Number.isNaN(value) ? 'unknown' : value.toFixed(2)
}

/** As Markdown, which reads well enough on a terminal. */
export function markdownTable(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length), 3))
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |`
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`
  const [header, ...body] = rows
  return [line(header!), rule, ...body.map(line)].join('\n')
}

export function figuresTable(figures: readonly Figure[]): string {
  const verdict = ({ isReached }: Figure): string => {
    if (isReached === null) return 'not measured in this size'
    return isReached ? 'yes' : 'no'
  }
  const header = ['figure', 'measured', 'to reach', 'reached']
  const lines = figures.map((one) => [one.what, one.measured, one.reach, verdict(one)])
  return markdownTable([header, ...lines])
}

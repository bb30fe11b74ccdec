/** What `npm run bench` is told on its command line. */

import { parseArgs } from 'node:util'

export const BENCHMARKS = [
  'stream',
  'transaction',
  'large',
  'load',
  'latency',
  'start',
  'idle',
  'apply',
  'apply-postgres',
  'encode',
  'long-lake',
  'flush-s3',
] as const
export type BenchmarkName = (typeof BENCHMARKS)[number]

export interface Options {
  readonly only: readonly BenchmarkName[]
  readonly rounds: number
  /** Changes of `stream`, `transaction`, `apply`, `apply-postgres` and `encode`. */
  readonly rows: number
  /** Rows that the one transaction of `large` updates. */
  readonly largeRows: number
  readonly idleTables: number
  readonly loadRows: number
  /** Rows of the table that `apply` updates. */
  readonly tableRows: number
  /** Whether the results are put down in bench/results.md. */
  readonly isKept: boolean
  /** Where CPU profiles of our process go; `null` for none. They cost some speed. */
  readonly profiles: string | null
}

export const USAGE = `npm run bench -- [options]

  --only a,b         of: ${BENCHMARKS.join(', ')}
  --rounds N         interleaved rounds; the median counts (3)
  --rows N           changes that are streamed or applied (1000000)
  --large-rows N     rows that the transaction of large updates, in one round (10000000)
  --load-rows N      rows of the table that is loaded (2000000)
  --table-rows N     rows of the table that apply updates (2000000)
  --quick            100,000 rows, one round, and nothing is put down
  --profile FOLDER   write CPU profiles of our process there; nothing is put down
  --help
`

const FLAGS = {
  only: { type: 'string' },
  rounds: { type: 'string' },
  rows: { type: 'string' },
  'large-rows': { type: 'string' },
  'load-rows': { type: 'string' },
  'table-rows': { type: 'string' },
  quick: { type: 'boolean', default: false },
  profile: { type: 'string' },
  help: { type: 'boolean', default: false },
} as const

/** `null` if only help is wanted. Throws an Error with one line if the options make no sense. */
export function readOptions(args: readonly string[]): Options | null {
  const { values } = parseArgs({ args: [...args], options: FLAGS, strict: true })
  if (values.help) return null
  const { quick } = values
  return {
    only: values.only === undefined ? BENCHMARKS : values.only.split(',').map(benchmark),
    rounds: count('rounds', values.rounds, quick ? 1 : 3),
    rows: count('rows', values.rows, quick ? 100_000 : 1_000_000),
    largeRows: count('large-rows', values['large-rows'], quick ? 200_000 : 10_000_000),
    idleTables: quick ? 500 : 5_000,
    loadRows: count('load-rows', values['load-rows'], quick ? 200_000 : 2_000_000),
    tableRows: count('table-rows', values['table-rows'], quick ? 200_000 : 2_000_000),
    isKept: !quick && values.profile === undefined,
    profiles: values.profile ?? null,
  }
}

function benchmark(name: string): BenchmarkName {
  const found = BENCHMARKS.find((one) => one === name)
  if (found === undefined)
    throw new Error(`no benchmark ${name}; there are: ${BENCHMARKS.join(', ')}`)
  return found
}

function count(name: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 1) throw new Error(`--${name}: not a count: ${text}`)
  return value
}

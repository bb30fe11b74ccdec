/**
 * What one contender took in one round, and what is made of several.
 *
 * Ratios are taken within a round, whose contenders ran one after the other on the same machine in
 * the same mood, and only then is the median taken.
 */

export interface Measurement {
  readonly rows: number
  readonly seconds: number
  /** User and system time of the client side; `null` where the system does not tell. */
  readonly cpuSeconds: number | null
  readonly peakRss: number | null
}

/** The measurements of one contender, round by round. */
export interface Series {
  readonly name: string
  readonly rounds: readonly Measurement[]
}

export type Contender = readonly [name: string, run: (round: number) => Promise<Measurement>]

/** Runs all contenders in every round; each round begins with another one. */
export async function interleave(
  contenders: readonly Contender[],
  rounds: number,
  say: (line: string) => void,
): Promise<Series[]> {
  const series = contenders.map(([name]) => ({ name, rounds: [] as Measurement[] }))
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < contenders.length; i++) {
      const place = (i + round) % contenders.length
      const [name, run] = contenders[place]!
      const measured = await run(round)
      series[place]!.rounds.push(measured)
      say(`  round ${round + 1}: ${name}: ${measured.seconds.toFixed(2)} s`)
    }
  }
  return series
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

/** By linear interpolation. NaN if there are no values. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (sorted.length - 1) * q
  const below = sorted[Math.floor(at)] ?? Number.NaN
  const above = sorted[Math.ceil(at)] ?? Number.NaN
  return below + (above - below) * (at - Math.floor(at))
}

/** How many times as fast as the floor; more is better. */
export function speedRatio(ours: Series, floor: Series): number {
  return median(ours.rounds.map(({ seconds }, i) => floor.rounds[i]!.seconds / seconds))
}

/** How many times the CPU of the floor; less is better. NaN where the system does not tell. */
export function cpuRatio(ours: Series, floor: Series): number {
  return median(ours.rounds.map((one, i) => over(one.cpuSeconds, floor.rounds[i]!.cpuSeconds)))
}

export function medianOf(
  { rounds }: Series,
  pick: (measurement: Measurement) => number | null,
): number {
  return median(rounds.map((one) => pick(one) ?? Number.NaN))
}

function over(a: number | null, b: number | null): number {
  return a === null || b === null ? Number.NaN : a / b
}

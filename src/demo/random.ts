/** Numbers that look random and follow from a seed, so that a run can be had again. */

export interface Random {
  /** An integer from 1 to `max`. */
  upTo(max: number): number
  /** One of the items. */
  pick<T>(items: readonly T[]): T
  /** A version 4 UUID in form; unique for as long as seeds are. */
  uuid(): string
}

export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  const next = () => {
    // mulberry32: one multiplication-and-shift round over a counter.
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
  const upTo = (max: number) => 1 + Math.floor((next() / 2 ** 32) * max)
  const hex = () => next().toString(16).padStart(8, '0')
  return {
    upTo,
    pick: (items) => items[upTo(items.length) - 1]!,
    uuid: () => {
      const [a, b, c, d] = [hex(), hex(), hex(), hex()] as const
      return `${a}-${b.slice(0, 4)}-4${b.slice(5)}-a${c.slice(1, 4)}-${c.slice(4)}${d}`
    },
  }
}

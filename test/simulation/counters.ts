/** How often each thing happened, so that one sees that the faults occur. */

export class Counters {
  readonly counts = new Map<string, number>()

  add(name: string, count = 1): void {
    this.counts.set(name, this.of(name) + count)
  }

  of(name: string): number {
    return this.counts.get(name) ?? 0
  }

  addAll(other: Counters): void {
    for (const [name, count] of other.counts) this.add(name, count)
  }

  toString(): string {
    const counts = [...this.counts].toSorted(([a], [b]) => (a < b ? -1 : 1))
    return counts.map(([name, count]) => `${name} ${count}`).join(', ')
  }
}

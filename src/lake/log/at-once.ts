/** Several things at once, but not too many. */

/** Runs the tasks, at most `limit` at a time. When one fails, the rest is not begun. */
export async function allOf(tasks: readonly (() => Promise<void>)[], limit: number): Promise<void> {
  const queue = tasks.values()
  let isBroken = false
  const worker = async (): Promise<void> => {
    for (const task of queue) {
      if (isBroken) return
      await task().catch((error: unknown) => {
        isBroken = true
        throw error
      })
    }
  }
  const workers = Array.from({ length: Math.min(limit, tasks.length) }, worker)
  await Promise.all(workers)
}

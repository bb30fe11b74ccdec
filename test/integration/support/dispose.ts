/** Disposes of things one after the other, and of all of them if one fails. Rejects with the last failure. */

export async function disposeOf(
  ...things: readonly (AsyncDisposable | undefined)[]
): Promise<void> {
  const [first, ...rest] = things
  try {
    await first?.[Symbol.asyncDispose]()
  } finally {
    if (rest.length > 0) await disposeOf(...rest)
  }
}

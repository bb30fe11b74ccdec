/**
 * JSON whose objects have a key twice, which `json` of PostgreSQL keeps and a SUPER refuses.
 *
 * The last one counts, as in `jsonb`. Numbers and strings stay the texts that they are.
 */

const TOKEN = /[{}[\],:]|"(?:[^"\\]|\\[^])*"|[^\s{}[\],:"]+/g

interface Frame {
  /** Values by the keys of an object; `null` in an array. */
  readonly byKey: Map<string, string> | null
  readonly items: string[]
  /** As it is written; of the value that follows. */
  key: string | null
}

/** The text without what is not the last of its key; `null` if there is nothing to leave out. */
export function lastOfEachKey(text: string): string | null {
  const open: Frame[] = [{ byKey: null, items: [], key: null }]
  let hasDoubles = false
  for (const [token] of text.matchAll(TOKEN)) {
    const frame = open.at(-1)!
    if (token === '{' || token === '[') {
      open.push({ byKey: token === '{' ? new Map() : null, items: [], key: null })
    } else if (token === '}' || token === ']') {
      open.pop()
      hasDoubles = add(open.at(-1)!, written(frame)) || hasDoubles
    } else if (token === ':' || token === ',') {
      continue
    } else if (frame.byKey !== null && frame.key === null) {
      frame.key = token
    } else {
      hasDoubles = add(frame, token) || hasDoubles
    }
  }
  return hasDoubles ? open[0]!.items.join('') : null
}

/** True if the key was there. */
function add(frame: Frame, value: string): boolean {
  const { byKey, items, key } = frame
  if (byKey === null || key === null) {
    items.push(value)
    return false
  }
  frame.key = null
  // The same key can be written in more than one way.
  const name = JSON.stringify(JSON.parse(key))
  const wasThere = byKey.delete(name)
  byKey.set(name, `${key}:${value}`)
  return wasThere
}

function written({ byKey, items }: Frame): string {
  return byKey === null ? `[${items.join(',')}]` : `{${[...byKey.values()].join(',')}}`
}

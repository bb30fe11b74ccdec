/**
 * Finds functions that are too long, by their braces.
 *
 * The compiler has no interface that a test could ask, so this is a scanner: it skips comments,
 * strings and regular expressions, keeps a stack of what is open, and takes for a function every
 * block that follows the `)` or return type of a head, or `=>`. What follows `if (…)`, `for (…)`,
 * `class …` and the like is no function.
 */

interface LongFunction {
  /** Of its first line, from 1. */
  readonly line: number
  readonly length: number
}

interface Block {
  readonly isFunction: boolean
  readonly line: number
}

export function longFunctions(source: string, maxLines: number): LongFunction[] {
  const code = blank(source)
  const found: LongFunction[] = []
  const open: Block[] = []
  let line = 1
  for (let i = 0; i < code.length; i++) {
    const char = code[i]
    if (char === '\n') line++
    if (char === '{') open.push({ ...headOf(code, i, line) })
    if (char !== '}') continue
    const block = open.pop()
    if (!block?.isFunction) continue
    const length = line - block.line + 1
    if (length > maxLines) found.push({ line: block.line, length })
  }
  return found
}

const NO_FUNCTION = /(?:^|[^.\w])(?:if|for|while|switch|catch|with)\s*(?:await\s*)?$/

/** What the brace at `at` opens. A function begins on the line of its parameters' opening parenthesis. */
function headOf(code: string, at: number, line: number): Block {
  const before = code.slice(0, at).trimEnd()
  const isArrow = before.endsWith('=>')
  // A return type may stand between: `): Promise<void> {`, `): asserts value is string {`.
  const head = isArrow ? before.slice(0, -2).trimEnd() : before
  const typed = /\)\s*:(?:[\w\s.,<>[\]|&()?]|(?<=[:<|&,(]\s*)\{[^{}]*\})+$/.exec(head)
  const close = head.endsWith(')') ? head.length - 1 : (typed?.index ?? -1)
  if (close < 0) return { isFunction: isArrow, line }
  const start = matching(head, close)
  const isFunction = isArrow || !NO_FUNCTION.test(head.slice(0, start))
  const lines = code.slice(start, at).split('\n').length - 1
  return { isFunction, line: line - lines }
}

/** The place of the parenthesis that the one at `close` closes. */
function matching(code: string, close: number): number {
  let depth = 0
  for (let i = close; i >= 0; i--) {
    if (code[i] === ')') depth++
    if (code[i] === '(' && --depth === 0) return i
  }
  return 0
}

/** Comments, texts and regular expressions, which may hold braces that mean nothing. */
const SKIPPED = new RegExp(
  [
    String.raw`\/\*[\s\S]*?\*\/`,
    String.raw`\/\/[^\n]*`,
    String.raw`'(?:\\.|[^'\\\n])*'`,
    String.raw`"(?:\\.|[^"\\\n])*"`,
    // With one more template inside of an expression in it.
    '`(?:\\\\[\\s\\S]|\\$\\{(?:[^`{}]|\\{[^{}]*\\}|`[^`]*`)*\\}|[^`\\\\])*`',
    // Where a value may begin; elsewhere a slash divides.
    String.raw`(?<=[=(,:;!&|?[{}\n]\s*|return\s+)\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*`,
  ].join('|'),
  'g',
)

/** The source with all of that as blanks; lines stay. */
function blank(source: string): string {
  return source.replace(SKIPPED, (text) => text.replaceAll(/[^\n]/g, ' '))
}

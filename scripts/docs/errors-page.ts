/** docs/errors.md, from the table of error codes. */

import { type CodeEntry, CODES, type Recovery } from '../../src/core/error-codes.ts'
import { page, prose, sentence } from './markdown.ts'

const NEXT: Record<Recovery, string> = {
  retry: 'it is tried again by itself, with growing pauses.',
  stop: 'the task or the command ends; somebody has to change something first.',
  resync: 'the place in the log is lost; only loading the tables again helps.',
}

export function errorsPage(): string {
  const intro =
    'Every failure that is expected has a code. It stands behind `millrace:` on the command line, in ' +
    'the field `code` of log lines and of `--json`, and in the metric `millrace_errors_total`. What ' +
    'has no code is a bug: please report it.'
  return page('Errors', [
    intro,
    ...Object.entries(CODES).map(([name, entry]) => section(name, entry)),
  ])
}

function section(name: string, { about, hint, recovery }: CodeEntry): string {
  const lines = [`## ${name}`, prose(about), `**What happens next:** ${NEXT[recovery]}`]
  // A message that knows the exact statement or setting has a hint of its own instead.
  if (hint !== undefined) lines.push(`**What to do:** ${prose(sentence(hint))}`)
  return lines.join('\n\n')
}

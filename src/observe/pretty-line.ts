/** A log line for people: `12:03:04  info  load ended  table=app.orders rows=250000`. */

import type { LogLevel, LogLine } from '../task/view.ts'

const COLOUR: Record<LogLevel, number> = { debug: 90, info: 36, warn: 33, error: 31 }

export function prettyLine(line: LogLine, hasColour: boolean): string {
  const paint = (code: number, text: string): string =>
    hasColour ? `\u001B[${code}m${text}\u001B[0m` : text
  const { stack, ...fields } = line.fields
  const words = Object.entries(fields).map(
    ([name, value]) => `${paint(90, `${name}=`)}${fieldText(value)}`,
  )
  const time = paint(90, new Date(line.at).toTimeString().slice(0, 8))
  const level = paint(COLOUR[line.level], line.level.padEnd(5))
  const first = [`${time}  ${level} ${line.message}`, words.join(' ')].join('  ').trimEnd()
  return typeof stack === 'string' ? `${first}\n${stack}\n` : `${first}\n`
}

/** Quotes only where the value could be read as something else. */
function fieldText(value: unknown): string {
  if (typeof value === 'number' && !Number.isInteger(value)) return String(Number(value.toFixed(3)))
  if (typeof value !== 'string') return JSON.stringify(value) ?? ''
  return /[\s"=]/.test(value) || value === '' ? JSON.stringify(value) : value
}

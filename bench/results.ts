/**
 * Puts reports down in bench/results.md.
 *
 * Each benchmark has a section between two marks, with the date and the machine of its last run; a
 * run replaces the sections of the benchmarks it ran and leaves all other text as it is.
 */

import { readFile, writeFile } from 'node:fs/promises'

import { figuresTable, markdownTable, type Report } from './report.ts'

export async function keepResults(
  file: string,
  reports: readonly Report[],
  where: string,
): Promise<void> {
  let text = await readFile(file, 'utf8').catch(() => '# Results of the benchmarks\n')
  for (const report of reports) text = withSection(text, report, where)
  await writeFile(file, text)
}

/** The text with the report in place of what stood there, or at the end. */
export function withSection(text: string, report: Report, where: string): string {
  const [begin, end] = marks(report)
  const section = `${begin}\n\n${sectionOf(report, where)}\n\n${end}`
  const from = text.indexOf(begin)
  const to = text.indexOf(end)
  if (from === -1 || to < from) return `${text.trimEnd()}\n\n${section}\n`
  return text.slice(0, from) + section + text.slice(to + end.length)
}

function marks({ name }: Report): [string, string] {
  return [`<!-- begin ${name} -->`, `<!-- end ${name} -->`]
}

function sectionOf({ title, how, figures, table }: Report, where: string): string {
  const parts = [`## ${title}`, where, how]
  if (figures.length > 0) parts.push(figuresTable(figures))
  if (table.length > 0) parts.push(markdownTable(table))
  return parts.join('\n\n')
}

/** `lake ls`: what is in the lake, table by table. */

import { openLake } from '../../compose.ts'
import { loadConfig } from '../../config/load.ts'
import { formatBytes } from '../../core/quantity.ts'
import { readLakeInfo } from '../../lake/lake-info.ts'
import { summarize, type LakeSummary, type TableSummary } from '../../lake/summary.ts'
import { command, CONFIG_FLAG, JSON_FLAG } from '../command.ts'
import { alignTable, formatCount } from '../format.ts'
import { tableIn } from '../named.ts'

export const lakeLsCommand = command({
  name: 'lake ls',
  summary: 'List what is in the lake',
  details: 'Reads the manifests of the lake, whether or not a task is running.',
  flags: { config: CONFIG_FLAG, json: JSON_FLAG },
  arguments: {
    table: { about: 'only this table, with its files: app.orders', isOptional: true },
  },

  async run({ config: file, json, table }, { env, stdout }) {
    const { config } = loadConfig(file, env, { optional: ['source.url'] })
    const lake = openLake(config)
    const info = await readLakeInfo(lake.store)
    const summary = await summarize(lake.reader, table)
    // A table that was dropped may have files all the same.
    if (table !== null && summary.files.length === 0) await tableIn(lake, table)
    if (json) {
      stdout.write(`${JSON.stringify({ lake: { url: lake.store.url, ...info }, ...summary })}\n`)
      return 0
    }
    const { tables, files } = summary
    stdout.write(`${lake.store.url}  task ${info.task}, ${stretch(summary)}\n\n`)
    stdout.write(table === null ? tableList(tables) : fileList(files))
    stdout.write(`\n${totals(summary)}\n`)
    return 0
  },
})

function stretch({ first, head, from, upTo }: LakeSummary): string {
  if (head === 0) return 'no manifest yet'
  return `manifests ${formatCount(first)} to ${formatCount(head)}, ${from} to ${upTo}`
}

function totals({ total: { files, bytes, loaded, changes } }: LakeSummary): string {
  const rows = `${formatCount(loaded)} loaded rows and ${formatCount(changes)} changes`
  return `${formatCount(files)} files, ${formatBytes(bytes)}, with ${rows}`
}

function tableList(tables: readonly TableSummary[]): string {
  const columns = [
    { title: 'TABLE', align: 'left' },
    { title: 'LOADED', align: 'right' },
    { title: 'INSERTS', align: 'right' },
    { title: 'UPDATES', align: 'right' },
    { title: 'DELETES', align: 'right' },
    { title: 'FILES', align: 'right' },
    { title: 'SIZE', align: 'right' },
    { title: 'LAST CHANGE IN', align: 'right' },
    { title: 'AT', align: 'left' },
  ] as const
  const rows = tables.map(({ table, loaded, counts, files, bytes, lastManifest, lastChangeAt }) => [
    table,
    formatCount(loaded),
    formatCount(counts.i),
    formatCount(counts.u),
    formatCount(counts.d),
    formatCount(files),
    formatBytes(bytes),
    lastManifest === null ? '-' : `manifest ${lastManifest}`,
    lastChangeAt ?? '-',
  ])
  return alignTable(columns, rows)
}

function fileList(
  files: readonly { path: string; rows: number; bytes: number; manifest: number }[],
): string {
  const columns = [
    { title: 'MANIFEST', align: 'right' },
    { title: 'ROWS', align: 'right' },
    { title: 'SIZE', align: 'right' },
    { title: 'FILE', align: 'left' },
  ] as const
  const rows = files.map(({ path, rows: count, bytes, manifest }) => [
    formatCount(manifest),
    formatCount(count),
    formatBytes(bytes),
    path,
  ])
  return alignTable(columns, rows)
}

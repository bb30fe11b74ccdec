/**
 * `lake cat`: the rows of a table as they stand in the lake.
 *
 * Prints the files' own bytes, one after the other in the order of the log. A file of another shape
 * has another header, so each keeps its own.
 */

import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'

import { openLake, type Lake } from '../../compose.ts'
import { loadConfig } from '../../config/load.ts'
import { fail } from '../../core/errors.ts'
import { readLakeInfo } from '../../lake/lake-info.ts'
import { summarize } from '../../lake/summary.ts'
import { command, CONFIG_FLAG } from '../command.ts'

export const lakeCatCommand = command({
  name: 'lake cat',
  summary: 'Print the rows of a table, or of one data file',
  details:
    'Prints CSV: the columns of the lake, then those of the table. Without --file, all files of the ' +
    'table follow each other in the order of the log.',
  flags: {
    config: CONFIG_FLAG,
    file: { kind: 'text', value: 'path', about: 'only this file of `lake ls`', default: null },
    noLoads: { kind: 'switch', about: 'leave out the rows of loads' },
  },
  arguments: { table: { about: 'the table: app.orders', isOptional: false } },

  async run({ config: name, file, noLoads, table }, { env, stdout }) {
    const { config } = loadConfig(name, env, { optional: ['source.url'] })
    const lake = openLake(config)
    await readLakeInfo(lake.store)
    const { files } = await summarize(lake.reader, table)
    const wanted = files
      .filter(({ path }) => file === null || path === file)
      .filter(({ type }) => !noLoads || type === 'changes')
    if (wanted.length === 0) {
      fail('USAGE', `the lake has no such file of ${table}`, {
        hint: 'see `millrace lake ls` for the tables, and `millrace lake ls TABLE` for its files',
      })
    }
    for (const { path } of wanted) await print(lake, path, stdout)
    return 0
  },
})

async function print({ store }: Lake, path: string, out: NodeJS.WritableStream): Promise<void> {
  const bytes = Readable.from(store.read(path), { objectMode: false })
  if (path.endsWith('.gz')) await pipeline(bytes, createGunzip(), out, { end: false })
  else await pipeline(bytes, out, { end: false })
}

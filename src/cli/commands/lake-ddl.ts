/** `lake ddl`: statements by which a query engine reads the lake. */

import { openLake } from '../../compose.ts'
import { loadConfig } from '../../config/load.ts'
import { fail } from '../../core/errors.ts'
import { DIALECTS, tableDdl, whyNoTable, type DialectName } from '../../lake/ddl/ddl.ts'
import { readTableFacts } from '../../lake/ddl/table-facts.ts'
import { readLakeInfo } from '../../lake/lake-info.ts'
import { parseTableId } from '../../lake/layout.ts'
import { command, CONFIG_FLAG } from '../command.ts'

const NAMES = Object.keys(DIALECTS).join(', ')

export const lakeDdlCommand = command({
  name: 'lake ddl',
  summary: 'Print the SQL by which a query engine reads the lake',
  details:
    'Prints tables over the files as they are, and two views for each table: NAME_history has every ' +
    'change, NAME_latest the rows that are there now. Print and run it again after a new load or a ' +
    'change of columns; docs/query.md has queries to begin with.',
  flags: {
    config: CONFIG_FLAG,
    dialect: { kind: 'text', value: 'name', about: `one of ${NAMES}`, default: 'athena' },
    location: {
      kind: 'text',
      value: 'url',
      about: 'where the engine finds the lake, if not at lake.url',
      default: null,
    },
  },
  arguments: { table: { about: 'only this table: app.orders', isOptional: true } },

  async run({ config: file, dialect, location, table }, { env, stdout }) {
    if (!isDialect(dialect))
      fail('USAGE', `no such dialect: ${dialect}`, { hint: `one of ${NAMES}` })
    const { config } = loadConfig(file, env, { optional: ['source.url'] })
    const lake = openLake(config)
    await readLakeInfo(lake.store)
    const id = table === null ? null : parseTableId(table)
    const tables = await readTableFacts(lake, id)
    if (tables.length === 0 || (table !== null && id === null)) {
      fail(
        'USAGE',
        table === null ? 'the lake has no tables yet' : `the lake has no table ${table}`,
        {
          hint: 'see `millrace lake ls` for the tables',
        },
      )
    }
    const url = location ?? lake.store.url
    if (dialect !== 'duckdb' && !url.startsWith('s3://')) {
      fail('USAGE', `${dialect} reads buckets, and this lake is at ${url}`, {
        hint: 'say with --location s3://bucket/prefix where the engine finds these files',
      })
    }
    for (const facts of tables) {
      for (const statement of tableDdl(facts, DIALECTS[dialect], url))
        stdout.write(`${statement}${statement.startsWith('--') ? '' : ';'}\n\n`)
    }
    const isWhole = tables.every((facts) => whyNoTable(facts, DIALECTS[dialect].typed) === null)
    return isWhole ? 0 : 3
  },
})

function isDialect(name: string): name is DialectName {
  return Object.hasOwn(DIALECTS, name)
}

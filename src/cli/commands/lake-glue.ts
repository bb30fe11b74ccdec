/** `lake glue`: the tables over the lake's files in the Glue Data Catalog. */

import { openLake } from '../../compose.ts'
import { loadConfig } from '../../config/load.ts'
import { fail } from '../../core/errors.ts'
import { DIALECTS, rawTables, whyNoTable } from '../../lake/ddl/ddl.ts'
import { GlueCatalog } from '../../lake/ddl/glue-catalog.ts'
import { gluePartitions, glueTable } from '../../lake/ddl/glue-tables.ts'
import { readTableFacts } from '../../lake/ddl/table-facts.ts'
import { readLakeInfo } from '../../lake/lake-info.ts'
import { command, CONFIG_FLAG, JSON_FLAG } from '../command.ts'

export const lakeGlueCommand = command({
  name: 'lake glue',
  summary: 'Create and update the tables of the lake in the Glue catalog',
  details:
    'Makes NAME_changes and NAME_load for each table, in a database that it makes if there is none, ' +
    'and leaves alone what is right already. Run it again after a new load or a change of columns. ' +
    'The views over these tables are printed by `millrace lake ddl --dialect athena`.',
  flags: {
    config: CONFIG_FLAG,
    database: { kind: 'text', value: 'name', about: 'the database of Glue', default: 'lake' },
    region: { kind: 'text', value: 'name', about: 'the region of Glue', default: null },
    endpoint: {
      kind: 'text',
      value: 'url',
      about: 'the URL of a catalog that is not AWS',
      default: null,
    },
    location: {
      kind: 'text',
      value: 'url',
      about: 'where the engines find the lake, if not at lake.url',
      default: null,
    },
    json: JSON_FLAG,
  },
  arguments: {},

  async run({ config: file, database, region, endpoint, location, json }, { env, stdout, stderr }) {
    const { config } = loadConfig(file, env, { optional: ['source.url'] })
    const lake = openLake(config)
    await readLakeInfo(lake.store)
    const url = location ?? lake.store.url
    if (!url.startsWith('s3://')) {
      fail('USAGE', `engines that use Glue read buckets, and this lake is at ${url}`, {
        hint: 'say with --location s3://bucket/prefix where they find these files',
      })
    }
    let isWhole = true
    const catalog = await GlueCatalog.open({ database, region, endpoint })
    try {
      await catalog.createDatabase()
      for (const facts of await readTableFacts(lake, null)) {
        const why = whyNoTable(facts, DIALECTS.glue.typed)
        if (why !== null) {
          stderr.write(`${why}\n`)
          isWhole = false
          continue
        }
        const { changes, load } = rawTables(facts, url)
        for (const table of [...changes, ...(load === null ? [] : [load])]) {
          const outcome = await catalog.put(glueTable(table))
          await catalog.putPartitions(table.name, gluePartitions(table))
          const line = json
            ? JSON.stringify({ database, table: table.name, outcome })
            : `${database}.${table.name}  ${outcome}`
          stdout.write(`${line}\n`)
        }
      }
    } finally {
      catalog.close()
    }
    return isWhole ? 0 : 3
  },
})

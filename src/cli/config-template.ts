/** The file that `init` writes: every key that matters at the start, each with a word about it. */

export interface TemplateValues {
  readonly task: string
  readonly sourceUrl: string
  readonly lake: string
  readonly duckdb: string
}

export function configTemplate({ task, sourceUrl, lake, duckdb }: TemplateValues): string {
  return `# Millrace. All keys and their defaults: docs/configuration.md

# Names the replication slot, the publication and the ledgers: millrace_${task}
task: ${scalar(task)}

# full-load-and-cdc copies the rows that exist and follows all changes; cdc only follows
load: full-load-and-cdc

source:
  # postgres://user:password@host:5432/database, as env:NAME or file:PATH
  url: ${scalar(sourceUrl)}
  # * stands for any text, ! excludes, the last pattern that matches a table counts
  tables: ['*.*']

# Every change, in order, as files
lake:
  url: ${scalar(lake)}
  format: csv.gz # or csv, or parquet
  flush: { every: 5s, rows: 100000, bytes: 64MiB }

# What is kept equal to the source
targets:
  warehouse:
    type: duckdb
    path: ${scalar(duckdb)}

# Dashboard, API, health and metrics. On other hosts than this one it needs a token:
# server: { listen: 0.0.0.0:7070, token: env:MILLRACE_TOKEN }
server:
  listen: 127.0.0.1:7070
`
}

/** Plain where YAML reads it as it is, quoted elsewhere. */
function scalar(text: string): string {
  const isPlain =
    /^[A-Za-z./][\w./:@-]*$/.test(text) && !/:$|^(true|false|null|yes|no)$/i.test(text)
  return isPlain ? text : JSON.stringify(text)
}

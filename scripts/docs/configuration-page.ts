/** docs/configuration.md and docs/config.schema.json, from the schema of the configuration. */

import { configJsonSchema, type JsonSchema, variants } from '../../src/config/json-schema.ts'
import { parseConfig } from '../../src/config/load.ts'
import { NOT_YET } from '../../src/config/not-yet.ts'
import { block, code, page, prose, table } from './markdown.ts'

const EXAMPLE = `
task: shop                                  # names slot, publication and ledgers: millrace_shop
load: full-load-and-cdc                     # or cdc
source:
  url: env:SOURCE_URL                       # postgres://user:password@host:5432/database
  tables: ['app.*', '!app.audit_*']         # * stands for any text, ! excludes, the last match counts
  slot: millrace_shop
  publication: shop_changes                 # yours, used as it is; without it we keep one of our own
  heartbeat: 60s
lake:
  url: ./lake
  format: csv.gz                            # or csv, or parquet
  flush: { every: 5s, rows: 100000, bytes: 64MiB }
targets:
  warehouse: { type: duckdb, path: ./warehouse.duckdb, interval: 1s }
fullLoad: { parallel: 4 }
server: { listen: 127.0.0.1:7070, token: env:MILLRACE_TOKEN }
`

const INTRO = `Millrace reads \`millrace.yaml\` in the current folder, or the file named with \`--config\`. \`millrace init\` writes one to begin from. Three keys have to be there: \`task\`, \`source.url\` and \`lake.url\`.`

const RULES = `- **Unknown keys are mistakes**, since a misspelled key would silently be a default. All mistakes are told at once, each with file, line and column.
- **Secrets are references:** \`env:NAME\` is an environment variable, \`file:PATH\` the content of a file. A secret that is written out works, and a warning is given.
- **Relative paths** start from the folder of the configuration, not from where the command is called.
- **Durations** have a unit: \`100ms\`, \`5s\`, \`1m\`, \`12h\`, \`400d\`. **Sizes** too: \`512KiB\`, \`64MiB\`, \`50GiB\`. **Counts** may be grouped: \`100_000\`.
- Editors complete and check the file with [config.schema.json](config.schema.json); with the YAML language server, name it in a first line: \`# yaml-language-server: $schema=<path to config.schema.json>\`.`

export function configurationPage(): string {
  // The example must be one that works.
  const env = { SOURCE_URL: 'postgres://localhost/shop', MILLRACE_TOKEN: 'secret' }
  parseConfig(EXAMPLE.trim(), { file: 'docs/configuration.md', env })

  const { top, sections } = describeSection('', configJsonSchema())
  return page('Configuration', [
    INTRO,
    '## A full example',
    block('yaml', EXAMPLE),
    '## Rules',
    RULES,
    '## At the top',
    top,
    ...sections,
  ])
}

/** The schema without what only our own documentation understands. */
export function editorSchema(): string {
  const withoutNotes = (key: string, value: unknown): unknown =>
    key === 'secret' && value === true ? undefined : value
  const titled = { title: 'millrace.yaml', ...configJsonSchema() }
  return `${compactLists(JSON.stringify(titled, withoutNotes, 2))}\n`
}

/** Of the formatter. */
const LINE_LENGTH = 100

/** Short lists in one line, which is how the formatter of the repository wants them. */
function compactLists(json: string): string {
  return json.replaceAll(
    /^(.*)\[\s+([^[\]{}]{1,200}?)\s+\](,?)/gm,
    (list, before: string, items: string, comma: string) => {
      const line = `${before}[${items.replaceAll(/,\s+/g, ', ')}]${comma}`
      return line.length > LINE_LENGTH ? list : line
    },
  )
}

interface Described {
  /** The table of the keys that stand directly in a section. */
  readonly top: string
  /** The sections below it, each with its heading. */
  readonly sections: readonly string[]
}

function describeSection(
  prefix: string,
  { properties = {}, required = [] }: JsonSchema,
): Described {
  const rows: string[][] = []
  const later: string[] = []
  const sections: string[] = []
  for (const [key, schema] of Object.entries(properties)) {
    const path = `${prefix}${key}`
    const inner = innerSection(path, schema)
    if (inner !== null) sections.push(...inner)
    else if (schema.not !== undefined) later.push(`${code(path)} (${lowerFirst(schema)})`)
    else rows.push([code(path), defaultOf(schema, required.includes(key)), meaningOf(schema)])
  }
  const parts = rows.length > 0 ? [table(['Key', 'Default', 'Meaning'], rows)] : []
  if (later.length > 0) parts.push(`Known, but ${NOT_YET.replace('is ', '')}: ${later.join(', ')}.`)
  return { top: parts.join('\n\n'), sections }
}

/** The sections of a key that holds keys itself, or `null` if it holds a value. */
function innerSection(path: string, schema: JsonSchema): readonly string[] | null {
  const { description = '', additionalProperties } = schema
  const map = variants(schema).find(({ properties }) => properties !== undefined)
  if (map !== undefined) {
    const { top, sections } = describeSection(`${path}.`, map)
    return [`## ${path}`, prose(description), top, ...sections]
  }
  if (typeof additionalProperties !== 'object') return null
  const hasKeys = variants(additionalProperties).some((entry) => entry.properties !== undefined)
  if (!hasKeys) return null // a plain map, which is a value like any other
  const entries = variants(additionalProperties).flatMap((entry) => {
    const { top, sections } = describeSection(`${path}.<name>.`, entry)
    return [entry.description ?? '', top, ...sections]
  })
  return [`## ${path}`, prose(description), ...entries]
}

function defaultOf({ default: value, const: only }: JsonSchema, isRequired: boolean): string {
  if (only !== undefined) return 'required'
  if (value === undefined) return isRequired ? 'required' : ''
  return code(typeof value === 'string' ? value : JSON.stringify(value))
}

function meaningOf({ description = '', enum: values, const: only }: JsonSchema): string {
  const choices = only === undefined ? values : [only]
  if (choices === undefined) return prose(description)
  return `${choices.map((choice) => code(String(choice))).join(' or ')}. ${prose(description)}`
}

function lowerFirst({ description = '' }: JsonSchema): string {
  return description.charAt(0).toLowerCase() + description.slice(1).replace(/\.$/, '')
}

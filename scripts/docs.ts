/**
 * Writes the documentation that follows from the code, or with `--check` says what is stale.
 *
 *   docs/configuration.md, docs/config.schema.json    from the schema of the configuration
 *   docs/cli.md                                       from the commands
 *   docs/errors.md                                    from the table of error codes
 *   docs/metrics.md                                   from the table of metrics
 */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'

import { cliPage } from './docs/cli-page.ts'
import { configurationPage, editorSchema } from './docs/configuration-page.ts'
import { errorsPage } from './docs/errors-page.ts'
import { metricsPage } from './docs/metrics-page.ts'

const FOLDER = new URL('../docs/', import.meta.url)

const PAGES: Readonly<Record<string, () => string>> = {
  'cli.md': cliPage,
  'config.schema.json': editorSchema,
  'configuration.md': configurationPage,
  'errors.md': errorsPage,
  'metrics.md': metricsPage,
}

const stale = Object.entries(PAGES).filter(([name, render]) => read(name) !== render())

if (process.argv.includes('--check')) {
  for (const [name] of stale) console.error(`docs/${name} is stale: run \`npm run docs\``)
  process.exitCode = stale.length > 0 ? 1 : 0
} else {
  mkdirSync(FOLDER, { recursive: true })
  for (const [name, render] of stale) {
    writeFileSync(new URL(name, FOLDER), render())
    console.log(`wrote docs/${name}`)
  }
}

function read(name: string): string | null {
  try {
    return readFileSync(new URL(name, FOLDER), 'utf8')
  } catch {
    return null // not there: stale
  }
}

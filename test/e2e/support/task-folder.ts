/** A folder with a configuration, in which a task keeps its lake and its warehouse. */

import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { stringify } from 'yaml'

/** Sections of the configuration that are not as the tests usually have them. */
export interface TaskSections {
  readonly task?: string
  readonly source?: Readonly<Record<string, unknown>>
  readonly lake?: Readonly<Record<string, unknown>>
  readonly targets?: Readonly<Record<string, unknown>>
  readonly fullLoad?: Readonly<Record<string, unknown>>
  readonly server?: Readonly<Record<string, unknown>> | null
  /** Keys that no configuration has. */
  readonly [unknown: string]: unknown
}

export interface TaskFolder extends AsyncDisposable {
  readonly path: string
  readonly config: string
  readonly lake: string
  readonly warehouse: string
  /** The replication slot. */
  readonly slot: string
  /** Writes the configuration again. */
  configure(sections: TaskSections): Promise<void>
}

/** The path has blanks in it, since those of users do. */
export async function taskFolder(sourceUrl: string, sections: TaskSections): Promise<TaskFolder> {
  const path = await mkdtemp(join(tmpdir(), 'millrace e2e '))
  const config = join(path, 'millrace.yaml')
  // Slots belong to the whole server, which other tests use at the same time.
  const slot = `mill_${randomBytes(6).toString('hex')}`
  const configure = async ({ source, lake, ...others }: TaskSections): Promise<void> => {
    const document = {
      task: 'mill',
      source: { url: 'file:./source-url', tables: ['app.*'], slot, ...source },
      lake: { url: './lake', flush: { every: '100ms' }, ...lake },
      targets: { local: { type: 'duckdb', path: './warehouse.duckdb', interval: '100ms' } },
      server: null,
      ...others,
    }
    await writeFile(config, stringify(document))
  }
  await writeFile(join(path, 'source-url'), sourceUrl)
  await configure(sections)
  return {
    path,
    config,
    slot,
    lake: join(path, 'lake'),
    warehouse: join(path, 'warehouse.duckdb'),
    configure,
    async [Symbol.asyncDispose]() {
      await rm(path, { recursive: true, force: true })
    },
  }
}

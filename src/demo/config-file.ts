/** The configuration of the demo, as a file that the other commands can be pointed at. */

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { stringify } from 'yaml'

import { freePort } from './free-port.ts'

export interface DemoPlace {
  readonly folder: string
  readonly sourceUrl: string
  /** Of the dashboard; 0 takes a free one. */
  readonly port: number
}

/** Resolves to the path of the file. It holds the password of the demo's server, and its mode says so. */
export async function writeDemoConfig({ folder, sourceUrl, port }: DemoPlace): Promise<string> {
  const file = join(folder, 'millrace.yaml')
  const listen = `127.0.0.1:${port === 0 ? await freePort() : port}`
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'source-url'), sourceUrl, { mode: 0o600 })
  const document = {
    task: 'shop',
    source: { url: 'file:./source-url', tables: ['*.*'] },
    lake: { url: './lake', flush: { every: '1s' } },
    targets: { warehouse: { type: 'duckdb', path: './warehouse.duckdb' } },
    server: { listen },
  }
  await writeFile(file, stringify(document))
  return file
}

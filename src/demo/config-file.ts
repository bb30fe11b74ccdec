/** The configuration of the demo, as a file that the other commands can be pointed at. */

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { stringify } from 'yaml'

import { freePort } from './free-port.ts'

export interface DemoPlace {
  readonly folder: string
  readonly sourceUrl: string
  /** Of a PostgreSQL database to replicate into; `null` for a DuckDB file in the folder. */
  readonly warehouseUrl: string | null
  /** Of the lake; `null` for a folder beside. */
  readonly bucket: { readonly endpoint: string; readonly bucket: string } | null
  /** Of the dashboard; 0 takes a free one. */
  readonly port: number
}

export const demoLakes = ['folder', 's3'] as const

export const demoTargets = ['duckdb', 'postgres'] as const

/** Resolves to the path of the file. Urls hold passwords, and stand in files that say so by their mode. */
export async function writeDemoConfig(place: DemoPlace): Promise<string> {
  const { folder, sourceUrl, warehouseUrl, bucket, port } = place
  const file = join(folder, 'millrace.yaml')
  const listen = `127.0.0.1:${port === 0 ? await freePort() : port}`
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'source-url'), sourceUrl, { mode: 0o600 })
  if (warehouseUrl !== null) {
    await writeFile(join(folder, 'warehouse-url'), warehouseUrl, { mode: 0o600 })
  }
  const document = {
    task: 'shop',
    source: { url: 'file:./source-url', tables: ['*.*'] },
    lake: bucket === null ? { url: './lake', flush: { every: '1s' } } : inBucket(bucket),
    targets: {
      warehouse:
        warehouseUrl === null
          ? { type: 'duckdb', path: './warehouse.duckdb' }
          : { type: 'postgres', url: 'file:./warehouse-url' },
    },
    server: { listen },
  }
  await writeFile(file, stringify(document))
  return file
}

/** Nobody pays for its requests. */
function inBucket({ endpoint, bucket }: NonNullable<DemoPlace['bucket']>): object {
  const flush = { every: '1s', putsPerSecond: 1000 }
  return { url: `s3://${bucket}/shop`, s3: { endpoint, region: 'us-east-1' }, flush }
}

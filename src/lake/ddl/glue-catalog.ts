/**
 * Creates and updates tables in the Glue Data Catalog. The one place that knows `@aws-sdk/client-glue`,
 * an optional peer.
 *
 * What is right already is left alone, so that a second run changes nothing. An update names the
 * version that was read; if somebody was faster, it is read and compared again.
 * https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-catalog-tables.html
 */

import { isDeepStrictEqual } from 'node:util'

import type * as Package from '@aws-sdk/client-glue'

import { CodedError, fail } from '../../core/errors.ts'
import type { PartitionInput, TableInput } from './glue-tables.ts'

export type Outcome = 'created' | 'updated' | 'unchanged'

export interface GlueOptions {
  readonly database: string
  readonly region: string | null
  /** Of a server that is not AWS, as a URL. */
  readonly endpoint: string | null
}

const TRIES = 5
/** As many as one request may have. */
const PARTITIONS_AT_ONCE = 100

export class GlueCatalog {
  readonly #sdk: typeof Package
  readonly #client: Package.GlueClient
  readonly #database: string

  private constructor(sdk: typeof Package, client: Package.GlueClient, database: string) {
    this.#sdk = sdk
    this.#client = client
    this.#database = database
  }

  static async open({ database, region, endpoint }: GlueOptions): Promise<GlueCatalog> {
    const sdk = await loadPackage()
    const client = new sdk.GlueClient({
      ...(region !== null && { region }),
      ...(endpoint !== null && { endpoint, region: region ?? 'us-east-1' }),
    })
    return new GlueCatalog(sdk, client, database)
  }

  /** Makes the database if it is not there. */
  async createDatabase(): Promise<void> {
    const { CreateDatabaseCommand, GetDatabaseCommand } = this.#sdk
    const Name = this.#database
    const found = await this.#found(() => this.#client.send(new GetDatabaseCommand({ Name })))
    if (found !== null) return
    const command = new CreateDatabaseCommand({ DatabaseInput: { Name } })
    await this.#unlessExists(() => this.#client.send(command))
  }

  async put(input: TableInput): Promise<Outcome> {
    for (let left = TRIES; left > 0; left--) {
      const outcome = await this.#tryPut(input)
      if (outcome !== null) return outcome
    }
    return fail(
      'CATALOG_REFUSED',
      `the table ${input.Name} of Glue is changed by others all the time`,
    )
  }

  /** Days that are known already are left alone. */
  async putPartitions(table: string, partitions: readonly PartitionInput[]): Promise<void> {
    const { BatchCreatePartitionCommand } = this.#sdk
    for (let i = 0; i < partitions.length; i += PARTITIONS_AT_ONCE) {
      const list = partitions.slice(i, i + PARTITIONS_AT_ONCE)
      const request = { DatabaseName: this.#database, TableName: table, PartitionInputList: list }
      const { Errors = [] } = await this.#client.send(new BatchCreatePartitionCommand(request))
      const failed = Errors.find(({ ErrorDetail }) => ErrorDetail?.ErrorCode !== EXISTS)
      if (failed === undefined) continue
      fail('CATALOG_REFUSED', `Glue refused a partition: ${failed.ErrorDetail?.ErrorMessage}`, {
        details: { table, partition: failed.PartitionValues?.join('/') ?? '' },
      })
    }
  }

  close(): void {
    this.#client.destroy()
  }

  /** `null` if somebody else changed the table meanwhile. */
  async #tryPut(input: TableInput): Promise<Outcome | null> {
    const { CreateTableCommand, GetTableCommand, UpdateTableCommand } = this.#sdk
    const DatabaseName = this.#database
    const found = await this.#found(() =>
      this.#client.send(new GetTableCommand({ DatabaseName, Name: input.Name })),
    )
    if (found?.Table === undefined) {
      const command = new CreateTableCommand({ DatabaseName, TableInput: input })
      return (await this.#unlessExists(() => this.#client.send(command))) ? 'created' : null
    }
    const { VersionId } = found.Table
    const merged = withOthersParameters(input, found.Table.Parameters ?? {})
    if (isDeepStrictEqual(ours(found.Table), merged)) return 'unchanged'
    try {
      const update = { DatabaseName, TableInput: merged, VersionId, SkipArchive: true }
      await this.#client.send(new UpdateTableCommand(update))
      return 'updated'
    } catch (error) {
      if (isNamed(error, 'ConcurrentModificationException')) return null
      throw this.#failure(error)
    }
  }

  async #found<T>(get: () => Promise<T>): Promise<T | null> {
    try {
      return await get()
    } catch (error) {
      if (isNamed(error, 'EntityNotFoundException')) return null
      throw this.#failure(error)
    }
  }

  async #unlessExists(create: () => Promise<unknown>): Promise<boolean> {
    try {
      await create()
      return true
    } catch (error) {
      if (isNamed(error, EXISTS)) return false
      throw this.#failure(error)
    }
  }

  #failure(cause: unknown): CodedError {
    const why = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause)
    return new CodedError('CATALOG_REFUSED', `the Glue catalog refused: ${why}`, {
      cause,
    })
  }
}

const EXISTS = 'AlreadyExistsException'

function isNamed(error: unknown, name: string): boolean {
  return error instanceof Error && error.name === name
}

/** Crawlers and people leave notes among the parameters, which stay. */
function withOthersParameters(
  input: TableInput,
  parameters: Readonly<Record<string, string>>,
): TableInput {
  return { ...input, Parameters: { ...parameters, ...input.Parameters } }
}

/** The part of Glue's own description that we say something about. */
function ours(table: Package.Table): unknown {
  const { Columns, Location, InputFormat, OutputFormat, SerdeInfo } = table.StorageDescriptor ?? {}
  const plain = (columns: readonly Package.Column[] = []): object[] =>
    columns.map(({ Name, Type }) => ({ Name, Type }))
  return {
    Name: table.Name,
    TableType: table.TableType,
    Parameters: table.Parameters ?? {},
    PartitionKeys: plain(table.PartitionKeys),
    StorageDescriptor: {
      Columns: plain(Columns),
      Location,
      InputFormat,
      OutputFormat,
      SerdeInfo: {
        SerializationLibrary: SerdeInfo?.SerializationLibrary,
        Parameters: SerdeInfo?.Parameters ?? {},
      },
    },
  }
}

async function loadPackage(): Promise<typeof Package> {
  try {
    return await import('@aws-sdk/client-glue')
  } catch (cause) {
    throw new CodedError(
      'PACKAGE_MISSING',
      'the Glue catalog needs the package @aws-sdk/client-glue',
      {
        cause,
        hint: 'run: npm install @aws-sdk/client-glue',
      },
    )
  }
}

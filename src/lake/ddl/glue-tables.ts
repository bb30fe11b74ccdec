/**
 * Tables over the lake's files as the Glue Data Catalog stores them.
 * https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-catalog-tables.html
 */

import type { RawTable } from './dialect.ts'
import { hiveFormat, hiveType, projection } from './hive-table.ts'

/** What `CreateTable` and `UpdateTable` take as `TableInput`, as far as it is ours. */
export interface TableInput {
  readonly Name: string
  readonly TableType: 'EXTERNAL_TABLE'
  readonly Parameters: Readonly<Record<string, string>>
  readonly PartitionKeys: GlueColumn[]
  readonly StorageDescriptor: StorageDescriptor
}

interface GlueColumn {
  readonly Name: string
  readonly Type: string
}

interface StorageDescriptor {
  readonly Columns: GlueColumn[]
  readonly Location: string
  readonly InputFormat: string
  readonly OutputFormat: string
  readonly SerdeInfo: {
    readonly SerializationLibrary: string
    readonly Parameters: Readonly<Record<string, string>>
  }
}

/** What `BatchCreatePartition` takes: one for each day. */
export interface PartitionInput {
  readonly Values: [day: string]
  readonly StorageDescriptor: StorageDescriptor
}

export function glueTable(table: RawTable): TableInput {
  return {
    Name: table.name,
    TableType: 'EXTERNAL_TABLE',
    Parameters: { EXTERNAL: 'TRUE', ...hiveFormat(table).tableProperties, ...projection(table) },
    PartitionKeys: table.partitions === null ? [] : [{ Name: 'dt', Type: 'string' }],
    StorageDescriptor: storage(table, table.url),
  }
}

/** For engines that do not project partitions: Spark, Redshift Spectrum. */
export function gluePartitions(table: RawTable): PartitionInput[] {
  return (table.partitions ?? []).map((day) => ({
    Values: [day],
    StorageDescriptor: storage(table, `${table.url}dt=${day}/`),
  }))
}

function storage(table: RawTable, location: string): StorageDescriptor {
  const { serde, serdeProperties, inputFormat, outputFormat } = hiveFormat(table)
  return {
    Columns: table.columns.map(({ name, type }) => ({ Name: name, Type: hiveType(type, table) })),
    Location: location,
    InputFormat: inputFormat,
    OutputFormat: outputFormat,
    SerdeInfo: { SerializationLibrary: serde, Parameters: serdeProperties },
  }
}

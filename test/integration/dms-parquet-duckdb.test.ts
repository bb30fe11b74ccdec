/** DuckDB reads Parquet files that are written as DMS writes them. */

import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'

import { readDmsSettings } from '../../src/config/dms-settings.ts'
import { OP } from '../../src/core/change-log.ts'
import type { Shape } from '../../src/core/table.ts'
import { ParquetLines } from '../../src/targets/dms-files/parquet-lines.ts'
import { numeric, typeOf } from '../support/column-types.ts'
import { DuckdbPlace } from '../support/duckdb-place.ts'
import { tuple } from '../support/tuples.ts'

const COLUMNS = [
  ['i2', typeOf('int2'), '-5', 'SMALLINT', '-5'],
  ['i8', typeOf('int8'), '9223372036854775807', 'BIGINT', '9223372036854775807'],
  ['d', numeric(38, 2), '-123456789012345678901234567890123456.78', 'DECIMAL(38,2)', '-123456789012345678901234567890123456.78'],
  ['f', typeOf('float8'), '0.1', 'DOUBLE', '0.1'],
  ['b', typeOf('bool'), 'f', 'VARCHAR', 'false'],
  ['t', typeOf('text'), 'né, "x"', 'VARCHAR', 'né, "x"'],
  ['day', typeOf('date'), '2026-01-31', 'DATE', '2026-01-31'],
  ['at', typeOf('time'), '10:00:00.000001', 'TIME', '10:00:00.000001'],
  ['ts', typeOf('timestamp'), '2026-01-31 10:00:00.123456', 'TIMESTAMP WITH TIME ZONE', '2026-01-31 10:00:00.123456+00'],
  ['x', typeOf('bytea'), '\\x00ff', 'BLOB', '\\x00\\xFF'],
] as const // prettier-ignore

for (const settings of ['', 'compressionType=GZIP;encodingType=PLAIN']) {
  test(`DuckDB reads Parquet files as DMS writes them (${settings})`, async () => {
    await using place = await DuckdbPlace.make()
    const duckdb = await place.open()
    try {
      const { settings: read } = readDmsSettings(`dataFormat=parquet;${settings}`)
      const { parquet } = read
      assert.ok(parquet !== null)
      const lines = new ParquetLines({ ...read, parquet }, { shape: shape(), hasOp: true })
      const texts = COLUMNS.map(([, , text]) => text)
      for (const values of [texts, texts.map(() => null)]) {
        lines.row({ op: OP.insert, shape: shape(), bytes: tuple(values), start: 0, at: 0n })
      }
      const path = join(place.folder, 'dms.parquet')
      await writeFile(path, lines.end())
      await duckdb.query(`SET TimeZone = 'UTC'`)
      const from = `read_parquet('${path.replaceAll("'", "''")}')`
      const described = await duckdb.query(`DESCRIBE SELECT * FROM ${from}`)
      assert.deepEqual(
        described.map((row) => row['column_type']),
        ['VARCHAR', ...COLUMNS.map(([, , , type]) => type)],
      )
      const casts = COLUMNS.map(([name]) => `"${name}"::VARCHAR AS "${name}"`)
      const rows = await duckdb.query(`SELECT ${casts.join()} FROM ${from}`)
      assert.deepEqual(
        rows.map((row) => COLUMNS.map(([name]) => row[name])),
        [COLUMNS.map(([, , , , value]) => value), COLUMNS.map(() => null)],
      )
    } finally {
      await duckdb.close()
    }
  })
}

function shape(): Shape {
  const columns = COLUMNS.map(([name, type], wire) => ({ name, type, wire }))
  return { table: { namespace: 'app', name: 't' }, oid: 1, number: 1, columns, key: [] }
}

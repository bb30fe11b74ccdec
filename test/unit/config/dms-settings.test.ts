import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { readDmsSettings } from '../../../src/config/dms-settings.ts'
import { parseConfig } from '../../../src/config/load.ts'

describe('settings of an S3 target of DMS', () => {
  test('are those of DMS where nothing is said', () => {
    assert.deepEqual(readDmsSettings(''), {
      settings: {
        bucketFolder: '',
        parquet: null,
        compressionType: 'none',
        csvDelimiter: ',',
        csvRowDelimiter: '\n',
        csvNullValue: '',
        csvNoSupValue: null,
        rfc4180: true,
        addColumnName: false,
        includeOpForFullLoad: false,
        cdcInsertsOnly: false,
        cdcInsertsAndUpdates: false,
        timestampColumnName: null,
        useTaskStartTimeForFullLoadTimestamp: false,
        cdcMaxBatchIntervalMs: 60_000,
        cdcMinFileBytes: 32_768_000,
        maxFileBytes: 1_073_741_824,
        datePartition: null,
        timezone: 'UTC',
        cdcPath: null,
      },
      mistakes: [],
      notes: [],
    })
  })

  const SAME = [
    'addColumnName=true;cdcMaxBatchInterval=300;compressionType=GZIP',
    'addColumnName=y; cdcMaxBatchInterval=300; compressionType=gzip;',
    { AddColumnName: true, CdcMaxBatchInterval: 300, CompressionType: 'gzip' },
    { add_column_name: 'true', cdc_max_batch_interval: '300', compression_type: 'GZIP' },
  ]
  test('mean the same as attributes and as an object, in any spelling', () => {
    const [first, ...others] = SAME.map((given) => readDmsSettings(given))
    assert.equal(first!.settings.addColumnName, true)
    assert.equal(first!.settings.cdcMaxBatchIntervalMs, 300_000)
    assert.equal(first!.settings.compressionType, 'gzip')
    for (const other of others) assert.deepEqual(other, first)
  })

  test('are those that AWS prints as an example', () => {
    const { settings, mistakes, notes } = readDmsSettings(
      'bucketFolder=testFolder; bucketName=buckettest; compressionType=GZIP; csvDelimiter=,; ' +
        "csvRowDelimiter=\\n; csvNullValue='' ; addColumnName=true; cdcInsertsOnly=true; " +
        'datePartitionEnabled=true; datePartitionSequence=YYYYMMDDHH; datePartitionDelimiter=SLASH',
    )
    assert.deepEqual(mistakes, [])
    assert.deepEqual(
      notes.map(({ name }) => name),
      ['bucketName'],
    )
    assert.equal(settings.csvRowDelimiter, '\n')
    assert.equal(settings.csvNullValue, '')
    assert.deepEqual(settings.datePartition, { sequence: 'YYYYMMDDHH', delimiter: '/' })
  })

  const WRONG: readonly (readonly [given: string, message: RegExp])[] = [
    ['addColumnNames=true', /no setting "addColumnNames"/],
    ['addColumnName=maybe', /expected true, false, y or n/],
    ['addColumnName=true;AddColumnName=false', /given twice/],
    ['timestampColumnName=', /cannot be an empty text/],
    ['cdcMaxBatchInterval=soon', /expected a number/],
    ['maxFileSize=1048577', /from 1 to 1048576/],
    ['datePartitionSequence=DDMM', /expected YYYYMMDD/],
    ['datePartitionTimezone=Mars/Olympus', /time zone/],
    ['csvDelimiter="', /no quote/],
    ['bucketFolder=../up', /begins with a dot/],
    ['dataFormat=orc', /csv or parquet/],
    ['encodingType=delta', /expected plain/],
    ['glueCatalogGeneration=true', /millrace lake glue/],
    ['encryptionMode=SSE_KMS', /s3.kmsKey/],
    ['cannedAclForObjects=PUBLIC_READ', /no ACL is set/],
    ['addTrailingPaddingCharacter=true', /does not say what it pads/],
    ['cdcInsertsOnly=true;cdcInsertsAndUpdates=true', /exclude each other/],
    ['preserveTransactions=true', /needs cdcPath/],
    ['cdcPath=p', /needs preserveTransactions/],
    ['preserveTransactions=true;cdcPath=p;addColumnName=true', /exclude each other/],
    ['preserveTransactions=true;cdcPath=p;datePartitionEnabled=true', /exclude each other/],
  ]
  for (const [given, message] of WRONG) {
    test(`are refused: ${given}`, () => {
      const { mistakes } = readDmsSettings(given)
      assert.equal(mistakes.length, 1)
      assert.match(mistakes[0]!.message, message)
    })
  }

  test('of Parquet are those of DMS', () => {
    const given =
      'dataFormat=parquet;encodingType=PLAIN;rowGroupLength=5;parquetTimestampInMillisecond=y'
    const { settings, mistakes } = readDmsSettings(given)
    assert.deepEqual(mistakes, [])
    assert.deepEqual(settings.parquet, {
      rowGroupLength: 5,
      dataPageBytes: 1_048_576,
      dictPageBytes: 1_048_576,
      isPlain: true,
      hasStatistics: true,
      isMillis: true,
    })
  })

  const NOTED = [
    'serviceAccessRoleArn=arn:aws:iam::1:role/dms',
    'parquetVersion=PARQUET_2_0',
    'ignoreHeaderRows=1',
  ]
  for (const given of NOTED) {
    test(`are accepted with a note: ${given}`, () => {
      const { mistakes, notes } = readDmsSettings(given)
      assert.deepEqual(mistakes, [])
      assert.match(notes[0]!.message, /^has no effect/)
    })
  }
})

describe('a target of type dms-files', () => {
  test('has its settings and its place', () => {
    const { config, warnings } = parse(
      "{ type: dms-files, url: ./files, settings: 'addColumnName=true;bucketName=b' }",
    )
    const [target] = config.targets
    assert.ok(target?.type === 'dms-files')
    assert.equal(target.settings.addColumnName, true)
    assert.deepEqual(target.place, { type: 'folder', folder: '/etc/files' })
    assert.deepEqual(warnings, [
      '/etc/millrace.yaml:4:58 targets.f.settings: bucketName has no effect: url says where the files go',
    ])
  })

  test('may be a bucket', () => {
    const { config } = parse('{ type: dms-files, url: s3://dms/shop, s3: { region: eu-west-1 } }')
    const [target] = config.targets
    assert.ok(target?.type === 'dms-files' && target.place.type === 's3')
    assert.equal(target.place.bucket, 'dms')
    assert.equal(target.place.region, 'eu-west-1')
  })

  const WRONG: readonly (readonly [target: string, message: RegExp])[] = [
    ['{ type: dms-files, url: ./lake }', /targets\.f\.url: is the place of the lake too/],
    [
      '{ type: dms-files, url: ./files, settings: { AddColumnNames: true } }',
      /targets\.f\.settings\.AddColumnNames: DMS has no setting/,
    ],
    ['{ type: dms-files, url: ./files, settings: [a] }', /expected settings of DMS/],
    ['{ type: dms-files, url: ./files, s3: { region: x } }', /is only for a bucket/],
    ['{ type: dms-files, url: ./files, interval: 5s }', /unknown key/],
  ]
  for (const [target, message] of WRONG) {
    test(`is refused: ${target}`, () => assert.throws(() => parse(target), message))
  }
})

function parse(target: string) {
  const text = `task: shop
source: { url: 'postgres://h/d' }
lake: { url: ./lake }
targets: { f: ${target} }
`
  return parseConfig(text, { file: '/etc/millrace.yaml', env: {} })
}

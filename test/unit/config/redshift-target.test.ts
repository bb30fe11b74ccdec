/** The entry of a Redshift target, and what is wrong with it. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { parseConfig } from '../../../src/config/load.ts'

const env = {
  SOURCE_URL: 'postgres://shop@db.example/shop',
  REDSHIFT_URL: 'postgres://me:pw@warehouse.example/dev',
}
const file = '/etc/shop/millrace.yaml'

function parse(target: string, lake = 's3://lake/shop') {
  const text = `task: shop
source: { url: env:SOURCE_URL }
lake: { url: ${lake} }
targets:
  warehouse: { type: redshift, url: env:REDSHIFT_URL${target} }
`
  return parseConfig(text, { file, env }).config
}

describe('a Redshift target of the configuration', () => {
  test('stages in the bucket of the lake, and gathers for a minute, if nothing else is said', () => {
    const { targets, lake } = parse('')
    const [target] = targets
    assert.ok(target?.type === 'redshift')
    const { stage, intervalMs, iamRole, schema, unfit, auth, layout, url } = target
    assert.deepEqual(stage, lake.place)
    assert.deepEqual(
      { intervalMs, iamRole, schema, unfit, auth, layout, url },
      {
        intervalMs: 60_000,
        iamRole: 'default',
        schema: 'millrace',
        unfit: 'error',
        auth: 'password',
        layout: {},
        url: env.REDSHIFT_URL,
      },
    )
  })

  test('stages where it is told to', () => {
    const [target] = parse(', stage: s3://rows/x, s3: { region: eu-west-1 }', './lake').targets
    assert.ok(target?.type === 'redshift' && target.stage.type === 's3')
    const { bucket, prefix, region } = target.stage
    assert.deepEqual(
      { bucket, prefix, region },
      { bucket: 'rows', prefix: 'x', region: 'eu-west-1' },
    )
  })

  test('has a layout for each table', () => {
    const [target] = parse(', layout: { app.orders: { distKey: id, sortKey: [at] } }').targets
    assert.ok(target?.type === 'redshift')
    assert.deepEqual(target.layout, { 'app.orders': { distKey: 'id', sortKey: ['at'] } })
  })

  const mistakes: readonly (readonly [string, string, RegExp])[] = [
    ['', './lake', /targets\.warehouse\.stage: is needed, since the lake is in a folder/],
    [', stage: ./rows', './lake', /targets\.warehouse\.stage: expected a bucket and a prefix/],
    [', iamRole: copy', 's3://lake/x', /targets\.warehouse\.iamRole: expected default, or the ARN/],
    [', auth: rds-iam', 's3://lake/x', /targets\.warehouse\.auth: /],
    [', unfit: text', 's3://lake/x', /targets\.warehouse\.unfit: /],
    [', schema: Mill', 's3://lake/x', /targets\.warehouse\.schema: a schema name has only a-z/],
    [', nullMarker: x', 's3://lake/x', /nullMarker/],
    [', dataApi: true', 's3://lake/x', /dataApi/],
    [', layout: { orders: {} }', 's3://lake/x', /expected schema\.table/],
    [
      ', layout: { a.b: { distStyle: key } }',
      's3://lake/x',
      /distStyle: key and distKey go together/,
    ],
    [', layout: { a.b: { distStyle: all, distKey: id } }', 's3://lake/x', /go together/],
  ]
  for (const [target, lake, message] of mistakes) {
    test(`is refused with ${JSON.stringify(target)} and a lake in ${lake}`, () => {
      assert.throws(() => parse(target, lake), { code: 'CONFIG_INVALID', message })
    })
  }
})

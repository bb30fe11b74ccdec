/** Where a lake is: folders, buckets, and what can be neither. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { lakeUrlOf, parseLakeUrl, type LakePlace } from '../../../src/config/lake-place.ts'
import { parseConfig } from '../../../src/config/load.ts'

function place(lake: string): LakePlace {
  const text = `task: shop\nsource: { url: 'postgres://db/shop' }\nlake: ${lake}\n`
  return parseConfig(text, { file: '/etc/shop/millrace.yaml', env: {} }).config.lake.place
}

describe('the url of a lake', () => {
  const cases = [
    ['./lake', { folder: './lake' }],
    ['file:///var/lake', { folder: '/var/lake' }],
    ['s3://bucket', { bucket: 'bucket', prefix: '' }],
    ['s3://bucket/', { bucket: 'bucket', prefix: '' }],
    ['s3://my.bucket-1/a/b/', { bucket: 'my.bucket-1', prefix: 'a/b' }],
  ] as const
  for (const [url, expected] of cases) {
    test(`${url} is understood`, () => assert.deepEqual(parseLakeUrl(url), expected))
  }

  const refused = [
    ['gs://bucket/x', /expected a folder .* or a bucket/],
    ['s3://', /cannot be the name/],
    ['s3://My_Bucket/x', /"My_Bucket" cannot be the name/],
    ['s3://bucket//x', /no \/\//],
    ['s3://bucket/../x', /no \.\./],
    ['s3://bucket--use1-az4--x-s3/x', /directory bucket/],
  ] as const
  for (const [url, problem] of refused) {
    test(`${url} is refused`, () => {
      const parsed = parseLakeUrl(url)
      assert.match('problem' in parsed ? parsed.problem : '', problem)
      assert.throws(() => place(`{ url: '${url}' }`), { code: 'CONFIG_INVALID' })
    })
  }
})

describe('a lake in a bucket', () => {
  test('needs no more than its url', () => {
    const found = place('{ url: s3://bucket/shop }')
    assert.deepEqual(found, {
      type: 's3',
      bucket: 'bucket',
      prefix: 'shop',
      region: null,
      endpoint: null,
      pathStyle: null,
      kmsKey: null,
      storageClass: null,
      tags: {},
      requesterPays: false,
      ownerAccount: null,
      unfenced: false,
    })
    assert.equal(lakeUrlOf(found), 's3://bucket/shop')
  })

  test('may say everything', () => {
    const s3 = `{ region: eu-west-1, endpoint: 'https://s3.example:9000', pathStyle: false, kmsKey: k,
      storageClass: STANDARD_IA, tags: { team: data }, requesterPays: true, ownerAccount: '123456789012' }`
    assert.deepEqual(place(`{ url: s3://bucket, unfenced: true, s3: ${s3} }`), {
      type: 's3',
      bucket: 'bucket',
      prefix: '',
      region: 'eu-west-1',
      endpoint: 'https://s3.example:9000',
      pathStyle: false,
      kmsKey: 'k',
      storageClass: 'STANDARD_IA',
      tags: { team: 'data' },
      requesterPays: true,
      ownerAccount: '123456789012',
      unfenced: true,
    })
  })

  const refused = [
    ['{ url: ./lake, s3: { region: eu-west-1 } }', /lake\.s3: is only for a lake in a bucket/],
    ['{ url: ./lake, unfenced: true }', /lake\.unfenced: is only for a lake in a bucket/],
    [
      '{ url: s3://b-1, s3: { endpoint: localhost } }',
      /lake\.s3\.endpoint: expected a URL such as/,
    ],
    ['{ url: s3://b-1, s3: { ownerAccount: 12 } }', /lake\.s3\.ownerAccount: expected/],
    ['{ url: s3://b-1, s3: { storageClass: GLACIER } }', /lake\.s3\.storageClass: /],
    ['{ url: s3://b-1, s3: { regoin: x } }', /lake\.s3\.regoin: unknown key; did you mean region/],
  ] as const
  for (const [lake, message] of refused) {
    test(`is refused as ${lake}`, () => {
      assert.throws(() => place(lake), { code: 'CONFIG_INVALID', message })
    })
  }
})

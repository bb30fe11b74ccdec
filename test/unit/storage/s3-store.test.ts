/** What the store in a bucket says to S3, and what it makes of every answer. */

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, test } from 'node:test'
import { crc32 } from 'node:zlib'

import { CodedError } from '../../../src/core/errors.ts'
import { collect } from '../../support/collect.ts'
import { scriptedS3, useCredentials, type Answer } from '../../support/scripted-s3.ts'

useCredentials('first')

const BODY = Buffer.from('some rows')

describe('a put to S3', () => {
  test('is one request with the length, a checksum and nothing that was not asked for', async () => {
    await using s3 = await scriptedS3([])
    await s3.store().put('app/orders/x.csv', BODY)
    const [request] = s3.requests
    assert.equal(request?.method, 'PUT')
    assert.equal(request.path, '/bucket/shop/app/orders/x.csv')
    assert.deepEqual(request.body, BODY)
    const { headers } = request
    assert.equal(headers['content-length'], '9')
    assert.equal(headers['content-md5'], createHash('md5').update(BODY).digest('base64'))
    const ours = Object.keys(headers).filter((name) => /^(if-|x-amz-)/.test(name))
    assert.deepEqual(
      ours.filter((name) => !/^x-amz-(date|content-sha256|user-agent)$/.test(name)),
      [],
    )
    assert.equal(s3.requests.length, 1)
  })

  test('has the checksum that AWS keeps, if it goes to AWS', async () => {
    await using s3 = await scriptedS3([])
    process.env['AWS_ENDPOINT_URL_S3'] = s3.endpoint
    try {
      await s3.store({ endpoint: null, pathStyle: true }).put('x', BODY)
    } finally {
      delete process.env['AWS_ENDPOINT_URL_S3']
    }
    const sum = Buffer.alloc(4)
    sum.writeUInt32BE(crc32(BODY))
    assert.equal(s3.requests[0]?.headers['x-amz-checksum-crc32'], sum.toString('base64'))
  })

  test('says what the configuration says of encryption, class, tags, payer and owner', async () => {
    await using s3 = await scriptedS3([])
    const store = s3.store({
      kmsKey: 'key-1',
      storageClass: 'STANDARD_IA',
      tags: { team: 'data & co', cost: '7' },
      requesterPays: true,
      ownerAccount: '123456789012',
    })
    await store.put('app/x', BODY)
    await store.put('_millrace/lake.json', BODY, { ifAbsent: true })
    const [data, own] = s3.requests.map(({ headers }) => headers)
    const common = {
      'x-amz-server-side-encryption': 'aws:kms',
      'x-amz-server-side-encryption-aws-kms-key-id': 'key-1',
      'x-amz-tagging': 'team=data+%26+co&cost=7',
      'x-amz-request-payer': 'requester',
      'x-amz-expected-bucket-owner': '123456789012',
    }
    for (const [name, value] of Object.entries(common)) {
      assert.equal(data?.[name], value)
      assert.equal(own?.[name], value)
    }
    assert.equal(data?.['x-amz-storage-class'], 'STANDARD_IA')
    assert.equal(own?.['x-amz-storage-class'], undefined)
    assert.equal(data?.['if-none-match'], undefined)
    assert.equal(own?.['if-none-match'], '*')
  })

  test('in parts is whole, and as fenced as one in one piece', async () => {
    await using s3 = await scriptedS3([
      {
        body: '<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>',
      },
      {},
      { status: 500, code: 'InternalError' },
      {},
      {},
      { status: 412, code: 'PreconditionFailed' },
    ])
    async function* pieces(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('0123456')
      yield Buffer.from('789abcdefghijk')
    }
    const put = s3.store({}, 10).put('big', pieces(), { ifAbsent: true })
    await assert.rejects(put, { code: 'OBJECT_EXISTS' })
    const parts = s3.requests.filter(({ query }) => 'partNumber' in query)
    assert.deepEqual(
      parts.map(({ query, body }) => [query['partNumber'], String(body)]),
      [
        ['1', '0123456789'],
        ['2', 'abcdefghij'],
        ['2', 'abcdefghij'],
        ['3', 'k'],
      ],
    )
    const [end, abort] = s3.requests.slice(-2)
    assert.equal(end?.method, 'POST')
    assert.equal(end.headers['if-none-match'], '*')
    assert.equal(abort?.method, 'DELETE')
    assert.equal(abort.query['uploadId'], 'u')
  })

  test('in parts is thrown away when its body fails', async () => {
    await using s3 = await scriptedS3([
      {
        body: '<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>',
      },
    ])
    async function* pieces(): AsyncGenerator<Uint8Array> {
      yield Buffer.alloc(30)
      throw new Error('the source broke')
    }
    await assert.rejects(s3.store({}, 10).put('big', pieces()), /the source broke/)
    assert.equal(s3.requests.at(-1)?.method, 'DELETE')
  })
})

describe('an answer of S3', () => {
  const slow = { status: 503, code: 'SlowDown' }
  const conflict = { status: 409, code: 'ConditionalRequestConflict' }
  const exists = { status: 412, code: 'PreconditionFailed' }
  const passing: readonly (readonly [string, readonly Answer[], readonly number[]])[] = [
    ['a server that failed', [{ status: 500, code: 'InternalError' }], [50]],
    ['a connection that broke', [{ broken: 'before' }], [50]],
    ['a timeout of the server', [{ status: 400, code: 'RequestTimeout' }], [50]],
    ['a body that arrived damaged', [{ status: 400, code: 'BadDigest' }], [50]],
    [
      'a folder of the server that just went',
      [{ status: 409, code: 'ExistingObjectIsDirectory' }],
      [50],
    ],
    ['a conflict of creators', [conflict, conflict], [50, 100]],
    // Half of 500 and 1000 ms, and half of 100 ms more so that not all begin at once.
    ['a plea to slow down', [slow, slow], [300, 550]],
    ['a plea with a time', [{ ...slow, headers: { 'retry-after': '7' } }], [7300]],
  ]
  for (const [what, script, sleeps] of passing) {
    test(`is waited out if it is ${what}`, async () => {
      await using s3 = await scriptedS3(script)
      await s3.store().put('x', BODY, { ifAbsent: true })
      assert.equal(s3.requests.length, script.length + 1)
      assert.deepEqual(s3.sleeps, sleeps)
      assert.deepEqual(s3.requests.at(-1)?.body, BODY)
    })
  }

  test('that never gets better is LAKE_UNREACHABLE in the end', async () => {
    await using s3 = await scriptedS3(Array.from({ length: 20 }, () => slow))
    await assert.rejects(s3.store().put('x', BODY), { code: 'LAKE_UNREACHABLE' })
    assert.equal(s3.requests.length, 8)
    assert.ok(Math.max(...s3.sleeps) <= 20_000)
  })

  test('that the key is taken is OBJECT_EXISTS, at once, after a conflict, after a lost answer', async () => {
    for (const script of [[exists], [conflict, exists], [{ broken: 'before' as const }, exists]]) {
      await using s3 = await scriptedS3(script)
      const put = s3.store().put('x', BODY, { ifAbsent: true })
      await assert.rejects(put, {
        code: 'OBJECT_EXISTS',
        message: 'already written: s3://bucket/shop/x',
      })
    }
  })

  const refusals: readonly (readonly [Answer, string, RegExp])[] = [
    [{ status: 404, code: 'NoSuchBucket' }, 'BUCKET_MISSING', /check lake\.url/],
    [{ status: 403, code: 'AccessDenied' }, 'LAKE_UNWRITABLE', /allow s3:PutObject on the prefix/],
    [{ status: 400, code: 'InvalidStorageClass' }, 'LAKE_UNWRITABLE', /settings of the bucket/],
    [{ status: 400, code: 'KMS.DisabledException' }, 'LAKE_UNWRITABLE', /its KMS key/],
    [{ status: 403, code: 'InvalidAccessKeyId' }, 'CREDENTIALS_REFUSED', /check the credentials/],
    [
      { status: 403, code: 'SignatureDoesNotMatch' },
      'CREDENTIALS_REFUSED',
      /check the credentials/,
    ],
    [{ status: 400, code: 'ExpiredToken' }, 'CREDENTIALS_EXPIRED', /aws sso login/],
    [{ status: 501, code: 'NotImplemented' }, 'LAKE_UNFENCED', /lake\.unfenced/],
    [
      { status: 301, code: 'PermanentRedirect', headers: { 'x-amz-bucket-region': 'eu-west-1' } },
      'BUCKET_ELSEWHERE',
      /^set lake\.s3\.region: eu-west-1$/,
    ],
    [
      { status: 400, code: 'AuthorizationHeaderMalformed', more: '<Region>eu-north-1</Region>' },
      'BUCKET_ELSEWHERE',
      /^set lake\.s3\.region: eu-north-1$/,
    ],
  ]
  for (const [answer, code, hint] of refusals) {
    test(`${answer.code} is ${code}, without another try`, async () => {
      await using s3 = await scriptedS3([answer])
      const error = await rejection(s3.store().put('x', BODY, { ifAbsent: true }))
      assert.equal(error.code, code)
      assert.match(error.hint ?? '', hint)
      assert.match(error.message, new RegExp(`s3://bucket/shop/x failed: ${answer.code}`))
      assert.equal(s3.requests.length, 1)
    })
  }

  test('that denies names what must be allowed, by what was tried', async () => {
    const denied = { status: 403, code: 'AccessDenied' }
    await using s3 = await scriptedS3([denied, denied, denied])
    const store = s3.store()
    const get = await rejection(store.get('x'))
    assert.equal(get.code, 'LAKE_UNREADABLE')
    assert.match(get.hint ?? '', /s3:GetObject on the prefix, and s3:ListBucket/)
    const list = await rejection(collect(store.list('')))
    assert.equal(list.code, 'LAKE_UNREADABLE')
    assert.match(list.hint ?? '', /allow s3:ListBucket on the bucket/)
    const remove = await rejection(store.delete('x'))
    assert.equal(remove.code, 'LAKE_UNWRITABLE')
    assert.match(remove.hint ?? '', /allow s3:DeleteObject/)
  })

  test('that our clock is wrong sets it', async () => {
    const headers = { date: new Date(Date.now() + 3_600_000).toUTCString() }
    await using s3 = await scriptedS3([{ status: 403, code: 'RequestTimeTooSkewed', headers }])
    await s3.store().put('x', BODY)
    const [before, after] = s3.requests.map((request) => amzTime(request.headers['x-amz-date']))
    assert.ok(Math.abs(after! - before! - 3_600_000) < 60_000)
  })

  test('that credentials have expired makes us look for new ones', async () => {
    await using s3 = await scriptedS3([{ status: 400, code: 'ExpiredToken' }])
    const store = s3.store()
    await assert.rejects(store.put('x', BODY), { code: 'CREDENTIALS_EXPIRED' })
    useCredentials('second')
    try {
      await store.put('x', BODY)
    } finally {
      useCredentials('first')
    }
    const [, again] = s3.requests
    assert.match(again?.headers.authorization ?? '', /Credential=second\//)
  })

  test('is not waited for without credentials', async () => {
    await using s3 = await scriptedS3([])
    useCredentials(null)
    try {
      await assert.rejects(s3.store().get('x'), { code: 'CREDENTIALS_MISSING' })
    } finally {
      useCredentials('first')
    }
    assert.deepEqual(s3.requests, [])
  })

  test('is not waited for without a region', async () => {
    await using s3 = await scriptedS3([])
    const { code, hint } = await rejection(s3.store({ region: null, endpoint: null }).get('x'))
    assert.equal(code, 'CONFIG_INVALID')
    assert.match(hint ?? '', /lake\.s3\.region/)
  })
})

describe('reading from S3', () => {
  test('goes on where the connection broke', async () => {
    await using s3 = await scriptedS3([
      { body: '01234', headers: { 'content-length': '10' }, broken: 'after' },
      { status: 206, body: '56789', headers: { 'content-length': '5' } },
    ])
    assert.equal(String(Buffer.concat(await collect(s3.store().read('x')))), '0123456789')
    assert.equal(s3.requests[0]?.headers.range, undefined)
    assert.equal(s3.requests[1]?.headers.range, 'bytes=5-')
  })

  test('begins again when a whole object breaks off', async () => {
    await using s3 = await scriptedS3([
      { body: '01234', headers: { 'content-length': '10' }, broken: 'after' },
      { body: '0123456789', headers: { 'content-length': '10' } },
    ])
    assert.equal(String(await s3.store().get('x')), '0123456789')
  })

  test('lists page by page, each after the last key of the one before', async () => {
    const page = (keys: readonly string[], isTruncated: boolean): Answer => ({
      body:
        `<ListBucketResult><IsTruncated>${isTruncated}</IsTruncated>` +
        keys.map((key) => `<Contents><Key>shop/${key}</Key></Contents>`).join('') +
        '</ListBucketResult>',
    })
    await using s3 = await scriptedS3([page(['a/1', 'a/2'], true), page(['a/3'], false)])
    assert.deepEqual(await collect(s3.store().list('a/', 'a/0')), ['a/1', 'a/2', 'a/3'])
    assert.deepEqual(
      s3.requests.map(({ query }) => [query['prefix'], query['start-after']]),
      [
        ['shop/a/', 'shop/a/0'],
        ['shop/a/', 'shop/a/2'],
      ],
    )
  })
})

describe('a store that may be unfenced', () => {
  test('looks first, and then puts without a condition', async () => {
    await using s3 = await scriptedS3([{ status: 404 }, {}, {}])
    const store = s3.store({ unfenced: true })
    await store.put('x', BODY, { ifAbsent: true })
    await assert.rejects(store.put('x', BODY, { ifAbsent: true }), { code: 'OBJECT_EXISTS' })
    assert.deepEqual(
      s3.requests.map(({ method }) => method),
      ['HEAD', 'PUT', 'HEAD'],
    )
    assert.equal(s3.requests[1]?.headers['if-none-match'], undefined)
  })
})

async function rejection(promise: Promise<unknown>): Promise<CodedError> {
  try {
    await promise
  } catch (error) {
    if (error instanceof CodedError) return error
    throw error
  }
  return assert.fail('it was not rejected')
}

/** `20261123T184500Z` */
function amzTime(text: unknown): number {
  const [, y, m, d, h, min, sec] =
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(String(text)) ?? []
  return Date.parse(`${y}-${m}-${d}T${h}:${min}:${sec}Z`)
}

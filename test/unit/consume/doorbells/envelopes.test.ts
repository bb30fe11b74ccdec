/** Doorbells, as AWS wraps them, and what is read from them again. */

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, test } from 'node:test'

import { doorbellsIn } from '../../../../src/consume/doorbells/decode.ts'
import {
  enveloped,
  ENVELOPES,
  type Envelope,
  type Post,
} from '../../../../src/consume/doorbells/envelopes.ts'
import { decodeKey, encodeKey, type Notice } from '../../../../src/consume/doorbells/notice.ts'

const KEY = 'shop/_millrace/manifests/00000000000000000042.json'

const NOTICE: Notice = {
  bucket: 'lake',
  key: KEY,
  size: 1234,
  eTag: 'd41d8cd98f00b204e9800998ecf8427e',
  at: Date.UTC(2026, 10, 22, 10, 0, 0, 250),
  sequencer: '0055AED6DCD90281E5',
}

const POST: Post = {
  region: 'eu-west-1',
  account: '123456789012',
  configurationId: 'manifests',
  requestId: 'C3D13FE58DE4C810',
  topic: 'manifests',
  queue: 'warehouse',
  id: '5fea7756-0ea4-451a-a703-a558b933e274',
}

/** What S3 itself sends; every other shape holds this or the event of EventBridge. */
const S3 = {
  Records: [
    {
      eventVersion: '2.1',
      eventSource: 'aws:s3',
      awsRegion: 'eu-west-1',
      eventTime: '2026-11-22T10:00:00.250Z',
      eventName: 'ObjectCreated:Put',
      userIdentity: { principalId: '123456789012' },
      requestParameters: { sourceIPAddress: '127.0.0.1' },
      responseElements: {
        'x-amz-request-id': 'C3D13FE58DE4C810',
        'x-amz-id-2': 'C3D13FE58DE4C810',
      },
      s3: {
        s3SchemaVersion: '1.0',
        configurationId: 'manifests',
        bucket: {
          name: 'lake',
          ownerIdentity: { principalId: '123456789012' },
          arn: 'arn:aws:s3:::lake',
        },
        object: {
          key: KEY,
          size: 1234,
          eTag: 'd41d8cd98f00b204e9800998ecf8427e',
          sequencer: '0055AED6DCD90281E5',
        },
      },
    },
  ],
}

const EVENT_BRIDGE = {
  version: '0',
  id: '5fea7756-0ea4-451a-a703-a558b933e274',
  'detail-type': 'Object Created',
  source: 'aws.s3',
  account: '123456789012',
  time: '2026-11-22T10:00:00Z',
  region: 'eu-west-1',
  resources: ['arn:aws:s3:::lake'],
  detail: {
    version: '0',
    bucket: { name: 'lake' },
    object: {
      key: KEY,
      size: 1234,
      etag: 'd41d8cd98f00b204e9800998ecf8427e',
      sequencer: '0055AED6DCD90281E5',
    },
    'request-id': 'C3D13FE58DE4C810',
    requester: '123456789012',
    'source-ip-address': '127.0.0.1',
    reason: 'PutObject',
  },
}

const TOPIC = 'arn:aws:sns:eu-west-1:123456789012:manifests'

/** The envelope of SNS, but for the two fields that a Lambda gets under other names. */
const NOTIFICATION = {
  Type: 'Notification',
  MessageId: '5fea7756-0ea4-451a-a703-a558b933e274',
  TopicArn: TOPIC,
  Subject: 'Amazon S3 Notification',
  Message: JSON.stringify(S3),
  Timestamp: '2026-11-22T10:00:00.250Z',
  SignatureVersion: '1',
  Signature: '',
}
const CERTIFICATE = 'https://sns.eu-west-1.amazonaws.com/SimpleNotificationService.pem'
const UNSUBSCRIBE = `https://sns.eu-west-1.amazonaws.com/?Action=Unsubscribe&SubscriptionArn=${TOPIC}:${POST.id}`

const IN_SNS = {
  Records: [
    {
      EventSource: 'aws:sns',
      EventVersion: '1.0',
      EventSubscriptionArn: `${TOPIC}:${POST.id}`,
      Sns: {
        ...NOTIFICATION,
        SigningCertUrl: CERTIFICATE,
        UnsubscribeUrl: UNSUBSCRIBE,
        MessageAttributes: {},
      },
    },
  ],
}

function inSqs(content: object) {
  const sent = String(NOTICE.at)
  const body = JSON.stringify(content)
  return {
    Records: [
      {
        messageId: POST.id,
        receiptHandle: POST.id,
        body,
        attributes: {
          ApproximateReceiveCount: '1',
          SentTimestamp: sent,
          SenderId: '123456789012',
          ApproximateFirstReceiveTimestamp: sent,
        },
        messageAttributes: {},
        md5OfBody: createHash('md5').update(body).digest('hex'),
        eventSource: 'aws:sqs',
        eventSourceARN: 'arn:aws:sqs:eu-west-1:123456789012:warehouse',
        awsRegion: 'eu-west-1',
      },
    ],
  }
}

const SNS_IN_SQS = { ...NOTIFICATION, SigningCertURL: CERTIFICATE, UnsubscribeURL: UNSUBSCRIBE }

const GOLDEN: Record<Envelope, object> = {
  s3: S3,
  sns: IN_SNS,
  sqs: inSqs(S3),
  'sns-sqs': inSqs(SNS_IN_SQS),
  'sns-raw-sqs': inSqs(S3),
  eventbridge: EVENT_BRIDGE,
  'eventbridge-sqs': inSqs(EVENT_BRIDGE),
  sweep: { cdc: 'sweep' },
}

const VIA: Record<Envelope, string> = {
  s3: 's3',
  sns: 'sns s3',
  sqs: 'sqs s3',
  'sns-sqs': 'sqs sns s3',
  'sns-raw-sqs': 'sqs s3',
  eventbridge: 'eventbridge',
  'eventbridge-sqs': 'sqs eventbridge',
  sweep: '',
}

describe('a doorbell', () => {
  for (const envelope of ENVELOPES) {
    test(`by ${envelope} has the form that AWS gives it`, () => {
      assert.deepEqual(enveloped(envelope, NOTICE, POST), GOLDEN[envelope])
    })

    test(`by ${envelope} is understood`, () => {
      const via = VIA[envelope]
      const messageId = via.startsWith('sqs') ? POST.id : null
      const expected =
        envelope === 'sweep'
          ? { type: 'sweep', table: null, via, messageId }
          : { type: 'object', bucket: 'lake', key: KEY, via, messageId }
      assert.deepEqual(doorbellsIn(enveloped(envelope, NOTICE, POST)), [expected])
    })

    for (const key of ['a b/c+d%2F:é.json', "~41/~20/$&@=;,!'()*", 'x'.repeat(900)]) {
      test(`by ${envelope} says which object it is about, whatever its key: ${key.slice(0, 20)}`, () => {
        if (envelope === 'sweep') return
        const [bell] = doorbellsIn(enveloped(envelope, { ...NOTICE, key }, POST))
        assert.equal(bell?.type === 'object' && bell.key, key)
      })
    }
  }

  test('may be asked for by a person, for one table', () => {
    const via = { via: '', messageId: null }
    assert.deepEqual(doorbellsIn({ cdc: 'drain', table: 'app.orders' }), [
      { type: 'sweep', table: 'app.orders', ...via },
    ])
  })
})

describe('what AWS really sends', () => {
  // The sample of the reference: a later version, fields that we do not know, a key that is encoded.
  test('is understood with other versions and fields', () => {
    const event = {
      Records: [
        {
          eventVersion: '2.6',
          eventSource: 'aws:s3',
          eventName: 'ObjectCreated:CompleteMultipartUpload',
          news: true,
          s3: {
            bucket: { name: 'lake' },
            object: {
              key: 'cdc/public.orders/a+b%3A1.csv.gz',
              size: 1,
              versionId: 'v',
              sequencer: '00',
            },
          },
        },
      ],
    }
    const [bell] = doorbellsIn(event)
    assert.equal(bell?.type === 'object' && bell.key, 'cdc/public.orders/a b:1.csv.gz')
  })

  test('may be a batch: every message can be answered for', () => {
    const [message] = inSqs(S3).Records
    const other = { ...message!, messageId: 'other', body: JSON.stringify(SNS_IN_SQS) }
    const broken = { ...message!, messageId: 'broken', body: '{"Records":' }
    const strange = { ...message!, messageId: 'strange', body: '{"hello":1}' }
    const bells = doorbellsIn({ Records: [message, other, broken, strange] })
    assert.deepEqual(
      bells.map(({ type, messageId }) => [type, messageId]),
      [
        ['object', POST.id],
        ['object', 'other'],
        ['unknown', 'broken'],
        ['unknown', 'strange'],
      ],
    )
  })

  test('may hold several records, of which each rings', () => {
    const event = { Records: [...S3.Records, ...S3.Records] }
    assert.equal(doorbellsIn(event).length, 2)
  })

  const setUp = {
    Service: 'Amazon S3',
    Event: 's3:TestEvent',
    Time: '2026-11-22T10:00:00.000Z',
    Bucket: 'lake',
    RequestId: 'x',
    HostId: 'y',
  }
  test('is a test event, directly and through a queue, when notifications are set up', () => {
    assert.deepEqual(doorbellsIn(setUp), [{ type: 'test', via: 's3', messageId: null }])
    const [bell] = doorbellsIn(inSqs(setUp))
    assert.deepEqual(bell, { type: 'test', via: 'sqs s3', messageId: POST.id })
  })

  const strange: [name: string, event: unknown][] = [
    ['nothing', null],
    ['a number', 7],
    ['an empty object', {}],
    ['no list of records', { Records: {} }],
    ['a record that is none', { Records: [null] }],
    ['an object that was removed', { Records: [{ ...S3.Records[0], eventName: 'ObjectRemoved:Delete' }] }],
    ['an event without a key', { Records: [{ eventSource: 'aws:s3', eventName: 'ObjectCreated:Put' }] }],
    ['another event of EventBridge', { ...EVENT_BRIDGE, 'detail-type': 'Object Deleted' }],
    ['a word of ours that is none', { cdc: 'dance' }],
    ['a drain of no table', { cdc: 'drain' }],
  ] // prettier-ignore
  for (const [name, event] of strange) {
    test(`hurts nobody if it is ${name}`, () => {
      const bells = doorbellsIn(event)
      assert.ok(bells.every(({ type }) => type === 'unknown'))
      assert.equal(bells.length, 1)
    })
  }
})

describe('a key in an event', () => {
  const cases: [key: string, encoded: string][] = [
    [KEY, KEY],
    ['a b', 'a+b'],
    ['a+b:1', 'a%2Bb%3A1'],
    ['100%', '100%25'],
    ['é', '%C3%A9'],
  ]
  for (const [key, encoded] of cases) {
    test(`${key} is ${encoded}`, () => {
      assert.equal(encodeKey(key), encoded)
      assert.equal(decodeKey(encoded), key)
    })
  }

  test('that was not encoded, and could not be, is taken as it is', () => {
    assert.equal(decodeKey('100%'), '100%')
  })
})

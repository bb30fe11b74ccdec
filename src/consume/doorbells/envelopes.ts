/**
 * The eight shapes in which a doorbell reaches a Lambda, and whatever else speaks to consumers.
 *
 *   s3               S3 ─► Lambda
 *   sns              S3 ─► SNS ─► Lambda
 *   sqs              S3 ─► SQS ─► Lambda
 *   sns-sqs          S3 ─► SNS ─► SQS ─► Lambda
 *   sns-raw-sqs      the same, with raw message delivery
 *   eventbridge      S3 ─► EventBridge ─► Lambda
 *   eventbridge-sqs  S3 ─► EventBridge ─► SQS ─► Lambda
 *   sweep            a schedule, or a person: look at the log, whether or not anything rang
 *
 * Whoever wraps is not known to what is wrapped: each of these functions takes JSON and gives JSON.
 */

import { createHash } from 'node:crypto'

import { unreachable } from '../../core/errors.ts'
import { eventBridgeEvent, s3Event, type Notice, type Sender } from './notice.ts'

export const ENVELOPES = [
  's3',
  'sns',
  'sqs',
  'sns-sqs',
  'sns-raw-sqs',
  'eventbridge',
  'eventbridge-sqs',
  'sweep',
] as const
export type Envelope = (typeof ENVELOPES)[number]

export interface Post extends Sender {
  readonly topic: string
  readonly queue: string
  /** Of the message: a UUID, as every stage has one. */
  readonly id: string
}

/** The event that a handler gets. */
export function enveloped(envelope: Envelope, notice: Notice, post: Post): object {
  const sent: Sent = { ...post, at: notice.at }
  switch (envelope) {
    case 's3':
      return s3Event(notice, post)
    case 'sns':
      return snsRecords(s3Event(notice, post), sent)
    case 'sqs':
    case 'sns-raw-sqs':
      return sqsRecords(s3Event(notice, post), sent)
    case 'sns-sqs':
      return sqsRecords(snsNotification(s3Event(notice, post), sent), sent)
    case 'eventbridge':
      return eventBridgeEvent(notice, post)
    case 'eventbridge-sqs':
      return sqsRecords(eventBridgeEvent(notice, post), sent)
    case 'sweep':
      return SWEEP
    default:
      return unreachable(envelope)
  }
}

/** What a rule on a schedule sends: it stands in for every doorbell that was lost. */
const SWEEP = { cdc: 'sweep' }

interface Sent extends Post {
  readonly at: number
}

/** As SNS puts it into a queue, or posts it to a URL. */
function snsNotification(message: object, sent: Sent): object {
  const { common, certificate, unsubscribe } = snsFields(message, sent)
  return { ...common, SigningCertURL: certificate, UnsubscribeURL: unsubscribe }
}

/** As SNS calls a Lambda, where two fields are spelt otherwise. */
function snsRecords(message: object, sent: Sent): object {
  const { common, certificate, unsubscribe } = snsFields(message, sent)
  const sns = {
    ...common,
    SigningCertUrl: certificate,
    UnsubscribeUrl: unsubscribe,
    MessageAttributes: {},
  }
  const subscription = `${topicArn(sent)}:${sent.id}`
  const record = { EventSource: 'aws:sns', EventVersion: '1.0', EventSubscriptionArn: subscription }
  return { Records: [{ ...record, Sns: sns }] }
}

/** Nobody has signed it: who checks signatures gets events from AWS alone. */
function snsFields(message: object, sent: Sent) {
  const { region, id, at } = sent
  const host = `https://sns.${region}.amazonaws.com`
  const common = {
    Type: 'Notification',
    MessageId: id,
    TopicArn: topicArn(sent),
    Subject: 'Amazon S3 Notification',
    Message: JSON.stringify(message),
    Timestamp: new Date(at).toISOString(),
    SignatureVersion: '1',
    Signature: '',
  }
  return {
    common,
    certificate: `${host}/SimpleNotificationService.pem`,
    unsubscribe: `${host}/?Action=Unsubscribe&SubscriptionArn=${topicArn(sent)}:${id}`,
  }
}

/** As a Lambda gets a batch of one message from a queue. */
function sqsRecords(content: object, { region, account, queue, id, at }: Sent): object {
  const body = JSON.stringify(content)
  const record = {
    messageId: id,
    receiptHandle: id,
    body,
    attributes: {
      ApproximateReceiveCount: '1',
      SentTimestamp: String(at),
      SenderId: account,
      ApproximateFirstReceiveTimestamp: String(at),
    },
    messageAttributes: {},
    md5OfBody: createHash('md5').update(body).digest('hex'),
    eventSource: 'aws:sqs',
    eventSourceARN: `arn:aws:sqs:${region}:${account}:${queue}`,
    awsRegion: region,
  }
  return { Records: [record] }
}

function topicArn({ region, account, topic }: Post): string {
  return `arn:aws:sns:${region}:${account}:${topic}`
}

/**
 * What rang, from whatever event a handler was called with.
 *
 * All shapes of `envelopes.ts` are taken, several messages and records in one of them too, and one
 * wrapped in another. What is not needed is not looked at: AWS adds fields, and counts the version of
 * the event up. What cannot be understood is told and hurts nobody, since a doorbell has no content
 * that could be lost: the log is looked at all the same.
 */

import { decodeKey } from './notice.ts'

export type Doorbell =
  /** An object was created. */
  | ({ readonly type: 'object'; readonly bucket: string; readonly key: string } & Message)
  /** Somebody wants the log to be looked at: all of it, or as far as one table goes. */
  | ({ readonly type: 'sweep'; readonly table: string | null } & Message)
  /** What S3 sends when notifications are set up: nothing happened. */
  | ({ readonly type: 'test' } & Message)
  | ({ readonly type: 'unknown' } & Message)

export interface Message {
  /** The way it came, the last stage first: `sqs sns s3`. */
  readonly via: string
  /** Of the message in SQS, which has to be named if it shall come again; `null` if there is none. */
  readonly messageId: string | null
}

type Json = Readonly<Record<string, unknown>>

/** Every message of a queue gives at least one doorbell, so that each can be answered for. */
export function doorbellsIn(event: unknown): Doorbell[] {
  return inEvent(event, { via: '', messageId: null })
}

function inEvent(event: unknown, message: Message): Doorbell[] {
  const json = typeof event === 'string' ? parsed(event) : event
  if (!isObject(json)) return [{ type: 'unknown', ...message }]
  if (json['Event'] === 's3:TestEvent') return [{ type: 'test', ...by('s3', message) }]
  if (json['source'] === 'aws.s3') return [ofEventBridge(json, by('eventbridge', message))]
  if (json['Type'] === 'Notification') return inEvent(json['Message'], by('sns', message))
  if ('cdc' in json) return [ofOurs(json, message)]
  if (!Array.isArray(json['Records'])) return [{ type: 'unknown', ...message }]
  return json['Records'].flatMap((record: unknown) => inRecord(record, message))
}

function inRecord(record: unknown, message: Message): Doorbell[] {
  if (isObject(record)) {
    if (record['eventSource'] === 'aws:sqs') {
      const messageId = textOf(record['messageId'])
      return inEvent(record['body'], { ...by('sqs', message), messageId })
    }
    if (record['EventSource'] === 'aws:sns' && isObject(record['Sns'])) {
      return inEvent(record['Sns']['Message'], by('sns', message))
    }
    if (record['eventSource'] === 'aws:s3') return [ofS3(record, by('s3', message))]
  }
  return [{ type: 'unknown', ...message }]
}

function ofS3(record: Json, message: Message): Doorbell {
  const s3 = objectIn(record, 's3')
  const [bucket, key] = [
    textOf(objectIn(s3, 'bucket')['name']),
    textOf(objectIn(s3, 'object')['key']),
  ]
  const isCreated = textOf(record['eventName'])?.startsWith('ObjectCreated:') ?? false
  if (!isCreated || bucket === null || key === null) return { type: 'unknown', ...message }
  return { type: 'object', bucket, key: decodeKey(key), ...message }
}

/** Here the key is not encoded. */
function ofEventBridge(event: Json, message: Message): Doorbell {
  const detail = objectIn(event, 'detail')
  const bucket = textOf(objectIn(detail, 'bucket')['name'])
  const key = textOf(objectIn(detail, 'object')['key'])
  const isCreated = event['detail-type'] === 'Object Created'
  if (!isCreated || bucket === null || key === null) return { type: 'unknown', ...message }
  return { type: 'object', bucket, key, ...message }
}

/** `{"cdc":"sweep"}` from a schedule, or `{"cdc":"drain","table":"app.orders"}` from a person. */
function ofOurs({ cdc, table }: Json, message: Message): Doorbell {
  if (cdc === 'sweep') return { type: 'sweep', table: null, ...message }
  if (cdc !== 'drain' || typeof table !== 'string') return { type: 'unknown', ...message }
  return { type: 'sweep', table, ...message }
}

function by(stage: string, { via, messageId }: Message): Message {
  return { via: via === '' ? stage : `${via} ${stage}`, messageId }
}

function parsed(text: string): unknown {
  try {
    const json: unknown = JSON.parse(text)
    return json
  } catch {
    return null
  }
}

function objectIn(json: Json, name: string): Json {
  const value = json[name]
  return isObject(value) ? value : {}
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}

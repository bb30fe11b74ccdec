/**
 * The event that a bucket sends when an object was created, as JSON, and what is wrapped in it.
 *
 * A doorbell says "look at the log" and nothing else: it may come twice, late, out of order or not at
 * all. What S3 sends is fixed by AWS, so a lake in a folder sends the very same, and a consumer cannot
 * tell them apart.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
 */

/** An object that was created. */
export interface Notice {
  readonly bucket: string
  readonly key: string
  /** In bytes. */
  readonly size: number
  readonly eTag: string
  /** Milliseconds since 1970. */
  readonly at: number
  /** Hexadecimal; it orders the events of one key, and no others. */
  readonly sequencer: string
}

/** Where the event comes from, for the fields that no consumer of ours looks at. */
export interface Sender {
  readonly region: string
  /** Twelve digits. */
  readonly account: string
  /** Of the rule in the bucket's notification configuration. */
  readonly configurationId: string
  /** Of the request that created the object. */
  readonly requestId: string
}

/** What goes to SNS, SQS or a Lambda as it is: always one record, though a reader has to take more. */
export function s3Event(notice: Notice, sender: Sender): object {
  const { bucket, key, size, eTag, at, sequencer } = notice
  const { region, account, configurationId, requestId } = sender
  const record = {
    eventVersion: '2.1',
    eventSource: 'aws:s3',
    awsRegion: region,
    eventTime: new Date(at).toISOString(),
    eventName: 'ObjectCreated:Put',
    userIdentity: { principalId: account },
    requestParameters: { sourceIPAddress: '127.0.0.1' },
    responseElements: { 'x-amz-request-id': requestId, 'x-amz-id-2': requestId },
    s3: {
      s3SchemaVersion: '1.0',
      configurationId,
      bucket: { name: bucket, ownerIdentity: { principalId: account }, arn: arnOf(bucket) },
      object: { key: encodeKey(key), size, eTag, sequencer },
    },
  }
  return { Records: [record] }
}

/** What EventBridge makes of it: other names, seconds, and the key as it is. */
export function eventBridgeEvent(notice: Notice, sender: Sender & { readonly id: string }): object {
  const { bucket, key, size, eTag, at, sequencer } = notice
  const { region, account, requestId, id } = sender
  return {
    version: '0',
    id,
    'detail-type': 'Object Created',
    source: 'aws.s3',
    account,
    time: new Date(at).toISOString().replace(/\.\d+Z$/, 'Z'),
    region,
    resources: [arnOf(bucket)],
    detail: {
      version: '0',
      bucket: { name: bucket },
      object: { key, size, etag: eTag, sequencer },
      'request-id': requestId,
      requester: account,
      'source-ip-address': '127.0.0.1',
      reason: 'PutObject',
    },
  }
}

/** As a form does it: a space is `+`, and a slash stays. */
export function encodeKey(key: string): string {
  return encodeURIComponent(key).replaceAll('%2F', '/').replaceAll('%20', '+')
}

/** Servers that are not AWS may send keys as they are. */
export function decodeKey(encoded: string): string {
  try {
    return decodeURIComponent(encoded.replaceAll('+', ' '))
  } catch {
    return encoded
  }
}

function arnOf(bucket: string): string {
  return `arn:aws:s3:::${bucket}`
}

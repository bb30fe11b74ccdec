/** The codes of the lake, its files, its server and its credentials: a part of `error-codes.ts`. */

import type { CodeEntry } from './error-codes.ts'

export const LAKE_CODES = {
  OBJECT_EXISTS: { recovery: 'retry', about: 'A file that must be new exists already.' },
  OBJECT_MISSING: {
    recovery: 'stop',
    about: 'A file that a manifest names is not in the lake.',
    hint: 'see whether a lifecycle rule or a person deleted it; then load the table again',
  },
  LAKE_UNWRITABLE: {
    recovery: 'stop',
    about: 'The lake cannot be written.',
    hint: 'check owner and mode of the folder',
  },
  LAKE_UNREADABLE: {
    recovery: 'stop',
    about: 'A file or folder of the lake cannot be read.',
    hint: 'check owner and mode of the files of the lake',
  },
  DISK_FULL: {
    recovery: 'retry',
    about: 'A disk is full. What was being written is written again when there is room.',
    hint: 'free some space; nothing is lost, the source keeps what is not in the lake yet',
  },
  LAKE_FOREIGN: {
    recovery: 'stop',
    about: 'The lake belongs to another task, or the folder holds something else.',
    hint: 'give this task a folder of its own in lake.url',
  },
  LAKE_VERSION: {
    recovery: 'stop',
    about: 'The lake was written by a newer version of Millrace.',
    hint: 'upgrade this installation',
  },
  LAKE_MISSING: { recovery: 'stop', about: 'There is no lake at this place.' },
  LAKE_DAMAGED: {
    recovery: 'stop',
    about:
      'A file of the lake is not what was written: cut off, altered, or missing in the middle.',
  },
  FILE_UNNAMED: {
    recovery: 'stop',
    about: 'A file in the lake is not named by any manifest, so no reader of the log sees it.',
    hint: 'nothing is wrong with the lake; it was left by a crash',
  },
  FENCED: {
    recovery: 'retry',
    about: 'Another process writes to the same lake; we begin again after what it wrote.',
  },
  LOG_EXPIRED: {
    recovery: 'resync',
    about: 'The log no longer goes back to where this consumer is.',
    hint: 'load its tables again, and raise lake.keep',
  },
  TIME_UNKNOWN: {
    recovery: 'stop',
    about:
      'The lake cannot tell what a table was at that time: no load of it had ended by then, or what happened to its rows since the last one is not in the log.',
    hint: 'ask for a later time, or look at the changes with `millrace lake cat TABLE --to TIME`',
  },
  CATALOG_REFUSED: {
    recovery: 'stop',
    about: 'The Glue Data Catalog refused a request.',
    hint: 'the process needs glue:GetDatabase, CreateDatabase, GetTable, CreateTable, UpdateTable and BatchCreatePartition',
  },
  LAKE_FORMATS_MIXED: {
    recovery: 'stop',
    about:
      'A folder of the lake has files of several formats, since lake.format was changed. Engines that read whole folders cannot read it.',
    hint: 'give the task a new lake, or wait until lake.keep has removed the older files',
  },
  LAKE_UNREACHABLE: {
    recovery: 'retry',
    about:
      'The server of the lake did not answer, failed, or asked to slow down, and trying again for a while did not help.',
    hint: 'check the network and lake.s3.endpoint; nothing is lost, the source keeps what is not in the lake yet',
  },
  LAKE_UNFENCED: {
    recovery: 'stop',
    about:
      'The server of the lake has no conditional writes, so nothing keeps two writers apart. It overwrote a file that was to be created only if it is absent, or let more than one creator win.',
    hint: 'use a server that knows If-None-Match, or set lake.unfenced: true and make sure yourself that only one process writes',
  },
  BUCKET_MISSING: {
    recovery: 'stop',
    about: 'There is no such bucket.',
    hint: 'check lake.url, and create the bucket: Millrace never does',
  },
  BUCKET_ELSEWHERE: {
    recovery: 'stop',
    about: 'The bucket is in another region than the one that was asked.',
    hint: 'set lake.s3.region to the region of the bucket',
  },
  CREDENTIALS_MISSING: {
    recovery: 'retry',
    about: 'No AWS credentials were found, or the place that gives them did not answer.',
    hint: 'give the process a role, a profile (AWS_PROFILE), or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
  },
  CREDENTIALS_EXPIRED: {
    recovery: 'retry',
    about: 'The AWS credentials have expired. New ones are looked for at every try.',
    hint: 'log in again (aws sso login), or give the process a role, whose credentials renew themselves',
  },
  CREDENTIALS_REFUSED: {
    recovery: 'stop',
    about:
      'The server of the lake does not know the access key, or the secret key does not fit it.',
    hint: 'check the credentials, and that they belong to this server',
  },
  CLOCK_WRONG: {
    recovery: 'retry',
    about: 'The clocks of this machine and of S3 are too far apart, even after a correction.',
    hint: 'let the machine set its clock by NTP',
  },
  CONFIG_MID_TRANSACTION: {
    recovery: 'stop',
    about: 'The publication changed while a transaction was half written.',
    hint: 'start once with the former settings, stop after the next manifest, then change them',
  },
} as const satisfies Record<string, CodeEntry>

/**
 * One message of every kind, in bytes as the manual describes them, with what it says.
 *
 * https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html
 */

import { lsn } from '../../../src/core/lsn.ts'
import type { Protocol } from '../../../src/pgoutput/index.ts'
import { UNCHANGED } from '../../support/wire.ts'
import type { Event } from './events.ts'

export interface Sample {
  readonly name: string
  readonly hex: string
  readonly event: Event
  /** The message stands inside a stream block. */
  readonly isStreamed?: true
  readonly protocol?: Protocol
}

const LSN = lsn(0x16_b374_d848n)
const END = lsn(0x16_b374_d878n)
const LSN_HEX = '00000016 b374d848'
const END_HEX = '00000016 b374d878'
const TIME = 0x0002_f000_0000_0001n
const TIME_HEX = '0002f000 00000001'
/** Above 2^31, as transaction ids and OIDs may be. */
const XID = 0xf000_02e1
const XID_HEX = 'f00002e1'
const OID = 0x9000_4005
const OID_HEX = '90004005'
/** ('1', 'Ada'), ('1', NULL) and ('2', unchanged). */
const ADA_HEX = '0002 74 00000001 31 74 00000003 416461'
const KEY_HEX = '0002 74 00000001 31 6e'
const NEW_HEX = '0002 74 00000001 32 75'

const row = { xid: 0, oid: OID, old: 'none', before: [], after: [] } as const
const prepared = { xid: XID, gid: 'g1', prepareLsn: LSN, endLsn: END, preparedAt: TIME } as const
const PREPARED_HEX = `${LSN_HEX} ${END_HEX} ${TIME_HEX} ${XID_HEX} 6731 00`

export const SAMPLES: readonly Sample[] = [
  {
    name: 'Begin',
    hex: `42 ${LSN_HEX} ${TIME_HEX} ${XID_HEX}`,
    event: { call: 'begin', commitLsn: LSN, committedAt: TIME, xid: XID },
  },
  {
    name: 'Begin, long before 2000 and near the end of all LSNs',
    hex: `42 ffffffff fffffff0 ffffffff fffffffe 00000001`,
    event: { call: 'begin', commitLsn: lsn(0xffff_ffff_ffff_fff0n), committedAt: -2n, xid: 1 },
  },
  {
    name: 'Commit',
    hex: `43 00 ${LSN_HEX} ${END_HEX} ${TIME_HEX}`,
    event: { call: 'commit', commitLsn: LSN, endLsn: END, committedAt: TIME },
  },
  {
    name: 'Origin',
    hex: `4f ${LSN_HEX} c3bc31 00`,
    event: { call: 'origin', commitLsn: LSN, name: 'ü1' },
  },
  {
    name: 'Relation',
    hex: `52 ${OID_HEX} 617070 00 757365 00 64 0002
          01 6964 00 00000017 ffffffff
          00 6e616d65 00 80000413 0000002c`,
    event: {
      call: 'relation',
      xid: 0,
      oid: OID,
      namespace: 'app',
      name: 'use',
      identity: 'default',
      columns: [
        { name: 'id', typeOid: 23, modifier: -1, isKey: true },
        { name: 'name', typeOid: 0x8000_0413, modifier: 44, isKey: false },
      ],
    },
  },
  ...(['default', 'nothing', 'full', 'index'] as const).map((identity, i): Sample => {
    const letter = ['64', '6e', '66', '69'][i]!
    return {
      name: `Relation of pg_catalog without columns, replica identity ${identity}`,
      hex: `52 ${OID_HEX} 00 74 00 ${letter} 0000`,
      event: {
        call: 'relation',
        xid: 0,
        oid: OID,
        namespace: '',
        name: 't',
        identity,
        columns: [],
      },
    }
  }),
  {
    name: 'Relation in a stream',
    hex: `52 ${XID_HEX} ${OID_HEX} 61 00 74 00 69 0001 01 6b 00 00000019 ffffffff`,
    isStreamed: true,
    event: {
      call: 'relation',
      xid: XID,
      oid: OID,
      namespace: 'a',
      name: 't',
      identity: 'index',
      columns: [{ name: 'k', typeOid: 25, modifier: -1, isKey: true }],
    },
  },
  {
    name: 'Type',
    hex: `59 ${OID_HEX} 617070 00 6d6f6f64 00`,
    event: { call: 'type', xid: 0, oid: OID, namespace: 'app', name: 'mood' },
  },
  {
    name: 'Type in a stream',
    hex: `59 ${XID_HEX} ${OID_HEX} 617070 00 6d6f6f64 00`,
    isStreamed: true,
    event: { call: 'type', xid: XID, oid: OID, namespace: 'app', name: 'mood' },
  },
  {
    name: 'Insert',
    hex: `49 ${OID_HEX} 4e ${ADA_HEX}`,
    event: { ...row, call: 'insert', after: ['1', 'Ada'] },
  },
  {
    name: 'Insert of an empty text and of NULL',
    hex: `49 ${OID_HEX} 4e 0002 74 00000000 6e`,
    event: { ...row, call: 'insert', after: ['', null] },
  },
  {
    name: 'Insert into a table without columns',
    hex: `49 ${OID_HEX} 4e 0000`,
    event: { ...row, call: 'insert' },
  },
  {
    name: 'Insert in a stream',
    hex: `49 ${XID_HEX} ${OID_HEX} 4e ${ADA_HEX}`,
    isStreamed: true,
    event: { ...row, call: 'insert', xid: XID, after: ['1', 'Ada'] },
  },
  {
    name: 'Update without an old tuple',
    hex: `55 ${OID_HEX} 4e ${NEW_HEX}`,
    event: { ...row, call: 'update', after: ['2', UNCHANGED] },
  },
  {
    name: 'Update of the key',
    hex: `55 ${OID_HEX} 4b ${KEY_HEX} 4e ${NEW_HEX}`,
    event: { ...row, call: 'update', old: 'key', before: ['1', null], after: ['2', UNCHANGED] },
  },
  {
    name: 'Update under REPLICA IDENTITY FULL',
    hex: `55 ${OID_HEX} 4f ${ADA_HEX} 4e ${NEW_HEX}`,
    event: { ...row, call: 'update', old: 'full', before: ['1', 'Ada'], after: ['2', UNCHANGED] },
  },
  {
    name: 'Update in a stream',
    hex: `55 ${XID_HEX} ${OID_HEX} 4b ${KEY_HEX} 4e ${ADA_HEX}`,
    isStreamed: true,
    event: {
      ...row,
      call: 'update',
      xid: XID,
      old: 'key',
      before: ['1', null],
      after: ['1', 'Ada'],
    },
  },
  {
    name: 'Delete by key',
    hex: `44 ${OID_HEX} 4b ${KEY_HEX}`,
    event: { ...row, call: 'delete', old: 'key', before: ['1', null] },
  },
  {
    name: 'Delete under REPLICA IDENTITY FULL',
    hex: `44 ${OID_HEX} 4f ${ADA_HEX}`,
    event: { ...row, call: 'delete', old: 'full', before: ['1', 'Ada'] },
  },
  {
    name: 'Delete in a stream',
    hex: `44 ${XID_HEX} ${OID_HEX} 4b ${KEY_HEX}`,
    isStreamed: true,
    event: { ...row, call: 'delete', xid: XID, old: 'key', before: ['1', null] },
  },
  {
    name: 'Truncate of two tables',
    hex: `54 00000002 03 ${OID_HEX} 00000007`,
    event: { call: 'truncate', xid: 0, oids: [OID, 7], cascade: true, restartIdentity: true },
  },
  {
    name: 'Truncate with cascade',
    hex: `54 00000001 01 00000007`,
    event: { call: 'truncate', xid: 0, oids: [7], cascade: true, restartIdentity: false },
  },
  {
    name: 'Truncate in a stream',
    hex: `54 ${XID_HEX} 00000001 02 00000007`,
    isStreamed: true,
    event: { call: 'truncate', xid: XID, oids: [7], cascade: false, restartIdentity: true },
  },
  {
    name: 'Message',
    hex: `4d 00 ${LSN_HEX} 7072 00 00000003 c3bc31`,
    event: {
      call: 'message',
      xid: 0,
      isTransactional: false,
      lsn: LSN,
      prefix: 'pr',
      content: 'ü1',
    },
  },
  {
    name: 'Message in a stream',
    hex: `4d ${XID_HEX} 01 ${LSN_HEX} 00 00000000`,
    isStreamed: true,
    event: { call: 'message', xid: XID, isTransactional: true, lsn: LSN, prefix: '', content: '' },
  },
  {
    name: 'Origin in a stream',
    hex: `4f ${LSN_HEX} 6f 00`,
    isStreamed: true,
    event: { call: 'origin', commitLsn: LSN, name: 'o' },
  },
  {
    name: 'Stream Start',
    hex: `53 ${XID_HEX} 01`,
    event: { call: 'streamStart', xid: XID, isFirst: true },
  },
  {
    name: 'Stream Start of a later block',
    hex: `53 ${XID_HEX} 00`,
    event: { call: 'streamStart', xid: XID, isFirst: false },
  },
  { name: 'Stream Stop', hex: '45', isStreamed: true, event: { call: 'streamStop' } },
  {
    name: 'Stream Commit',
    hex: `63 ${XID_HEX} 00 ${LSN_HEX} ${END_HEX} ${TIME_HEX}`,
    event: { call: 'streamCommit', xid: XID, commitLsn: LSN, endLsn: END, committedAt: TIME },
  },
  {
    name: 'Stream Abort',
    hex: `41 ${XID_HEX} f00002e2`,
    event: { call: 'streamAbort', xid: XID, subxid: XID + 1, abort: null },
  },
  {
    name: 'Stream Abort with position and time',
    hex: `41 ${XID_HEX} ${XID_HEX} ${LSN_HEX} ${TIME_HEX}`,
    protocol: 4,
    event: { call: 'streamAbort', xid: XID, subxid: XID, abort: { lsn: LSN, at: TIME } },
  },
  {
    name: 'Begin Prepare',
    hex: `62 ${PREPARED_HEX}`,
    event: { call: 'twoPhase', kind: 'begin-prepare', ...prepared },
  },
  {
    name: 'Prepare',
    hex: `50 00 ${PREPARED_HEX}`,
    event: { call: 'twoPhase', kind: 'prepare', ...prepared },
  },
  {
    name: 'Stream Prepare',
    hex: `70 00 ${PREPARED_HEX}`,
    event: { call: 'twoPhase', kind: 'stream-prepare', ...prepared },
  },
  {
    name: 'Commit Prepared',
    hex: `4b 00 ${PREPARED_HEX}`,
    event: {
      call: 'twoPhase',
      kind: 'commit-prepared',
      xid: XID,
      gid: 'g1',
      commitLsn: LSN,
      endLsn: END,
      committedAt: TIME,
    },
  },
  {
    name: 'Rollback Prepared',
    hex: `72 00 ${LSN_HEX} ${END_HEX} ${TIME_HEX} 00000000 00000009 ${XID_HEX} 6731 00`,
    event: {
      call: 'twoPhase',
      kind: 'rollback-prepared',
      xid: XID,
      gid: 'g1',
      prepareEndLsn: LSN,
      endLsn: END,
      preparedAt: TIME,
      rolledBackAt: 9n,
    },
  },
]

export function bytesOf(hex: string): Buffer {
  return Buffer.from(hex.replaceAll(/\s/g, ''), 'hex')
}

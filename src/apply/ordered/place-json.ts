/** The place of an ordered consumer as JSON: equal content has equal bytes, whoever writes it. */

import type { StragglerLoad } from '../../core/ledger.ts'
import type { Memo } from '../../core/ordered.ts'
import type { TableId } from '../../core/table.ts'
import { encodeJson, lsnJson, readLsn } from '../../lake/json-lsn.ts'
import { JsonObject } from '../../lake/json-object.ts'
import { parseTableId } from '../../lake/layout.ts'
import { NEW_TABLE, type OrderedPlace, type Pending, type TablePlace } from './place.ts'

const STATES = ['live', 'waiting', 'loading', 'ready', 'catching-up', 'gone'] as const

export function encodePlace({ n, epoch, pending, memo, tables }: OrderedPlace): Buffer {
  const rows = [...tables].toSorted(([a], [b]) => (a < b ? -1 : 1))
  return encodeJson({
    n,
    epoch,
    pending: pending && { table: pending.table, until: pending.until },
    memo: memoJson(memo),
    tables: rows.map(([table, row]) => ({ table, ...tableJson(row) })),
  })
}

export function decodePlace(bytes: Uint8Array, key: string): OrderedPlace {
  const json = JsonObject.parse(bytes, key)
  const tables = new Map<TableId, TablePlace>()
  for (const row of json.objects('tables')) tables.set(readId(row, 'table'), readTable(row))
  return {
    n: json.integer('n'),
    epoch: json.integer('epoch'),
    pending: json.isNull('pending') ? null : readPending(json.object('pending')),
    memo: readMemo(json.object('memo')),
    tables,
  }
}

/** What a table in good order needs is little, since there may be thousands of them. */
function tableJson({ state, load, n, place, back, memo }: TablePlace): object {
  return {
    state,
    ...(load && { load: loadJson(load) }),
    ...(n !== null && { n }),
    ...((place.part > 0 || place.row > 0) && { part: place.part, row: place.row }),
    ...(back && { back: { n: back.n, ...(back.load && { load: loadJson(back.load) }) } }),
    memo: memoJson(memo),
  }
}

function readTable(json: JsonObject): TablePlace {
  const back = json.has('back') ? json.object('back') : null
  const isBegun = json.has('part')
  return {
    state: json.choice('state', STATES),
    load: json.has('load') ? readLoad(json.object('load')) : null,
    n: json.has('n') ? json.integer('n') : null,
    place: isBegun ? { part: json.integer('part'), row: json.integer('row') } : NEW_TABLE.place,
    back: back && {
      n: back.integer('n'),
      load: back.has('load') ? readLoad(back.object('load')) : null,
    },
    memo: readMemo(json.object('memo')),
  }
}

function loadJson({ load, lsn, epoch, since, beganAt, endedAt }: StragglerLoad): object {
  return { load, lsn: lsnJson(lsn), epoch, since, beganAt, ...(endedAt !== null && { endedAt }) }
}

function readLoad(json: JsonObject): StragglerLoad {
  return {
    load: json.text('load'),
    lsn: readLsn(json, 'lsn'),
    epoch: json.integer('epoch'),
    since: json.integer('since'),
    beganAt: json.integer('beganAt'),
    endedAt: json.has('endedAt') ? json.integer('endedAt') : null,
  }
}

function readPending(json: JsonObject): Pending {
  return {
    table: json.isNull('table') ? null : readId(json, 'table'),
    until: json.integer('until'),
  }
}

function memoJson(memo: Memo): object {
  return Object.fromEntries(Object.entries(memo).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

function readMemo(json: JsonObject): Memo {
  return Object.fromEntries(json.names().map((name) => [name, json.integer(name)]))
}

function readId(json: JsonObject, name: string): TableId {
  return json.parsed(name, 'the id of a table', parseTableId)
}

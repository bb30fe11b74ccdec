/**
 * The state of the log as JSON, as it stands in a roll-up.
 *
 * Beside the key of its shape each table has the shape itself. So a restart needs no file for each of
 * thousands of tables, and knows their OIDs.
 */

import { fail } from '../../core/errors.ts'
import type { Shape, TableId } from '../../core/table.ts'
import { logPositionJson, lsnJson, readLogPosition, readLsn } from '../json-lsn.ts'
import type { JsonObject } from '../json-object.ts'
import { parseTableId } from '../layout.ts'
import { readShape, shapeJson } from '../shape-json.ts'
import type { LoadState, LogState, TableState } from './log-state.ts'
import { readFor } from './manifest-json.ts'
import { readRun, runJson } from './run-json.ts'

/** Shapes by their keys: those of all tables of a state. */
export type ShapesByKey = ReadonlyMap<string, Shape>

export function stateJson(state: LogState, shapes: ShapesByKey): object {
  const { n, generation, epoch, timeline, run, to, confirm, clock, dt } = state
  if (run === null || to === null || confirm === null) throw new Error('the log is empty')
  const tables = [...state.tables].toSorted(([a], [b]) => (a < b ? -1 : 1))
  return {
    n,
    generation,
    epoch,
    timeline,
    to: logPositionJson(to),
    confirm: lsnJson(confirm),
    clock,
    dt,
    run: runJson(run),
    tables: tables.map(([id, table]) => tableJson(id, table, shapes)),
  }
}

export function readState(json: JsonObject): { state: LogState; shapes: ShapesByKey } {
  const tables = new Map<TableId, TableState>()
  const shapes = new Map<string, Shape>()
  for (const table of json.objects('tables')) {
    const shape = table.text('shape')
    shapes.set(shape, readShape(table.object('definition')))
    tables.set(table.parsed('table', 'the id of a table', parseTableId), {
      shape,
      newestLoad: table.isNull('newestLoad') ? null : readLoad(table.object('newestLoad')),
      openLoads: table.objects('openLoads').map(readLoad),
      ...(table.has('ambiguousAt') && { ambiguousAt: table.integer('ambiguousAt', 1) }),
      ...(table.has('partitions') && { partitions: table.texts('partitions') }),
      ...(table.has('isFormer') && table.flag('isFormer') && { isFormer: true }),
    })
  }
  const state = {
    n: json.integer('n', 1),
    generation: json.integer('generation', 1),
    epoch: json.integer('epoch', 1),
    timeline: json.integer('timeline'),
    to: readLogPosition(json, 'to'),
    confirm: readLsn(json, 'confirm'),
    clock: json.integer('clock'),
    dt: json.text('dt', /^\d{4}-\d\d-\d\d$/),
    run: readRun(json.object('run')),
    tables,
  }
  return { state, shapes }
}

function tableJson(table: TableId, state: TableState, shapes: ShapesByKey): object {
  const { shape, newestLoad, openLoads, ambiguousAt, isFormer, partitions } = state
  const definition = shapes.get(shape) ?? fail('OBJECT_MISSING', `not in the lake: ${shape}`)
  return {
    table,
    shape,
    definition: shapeJson(definition),
    newestLoad: newestLoad && loadJson(newestLoad),
    openLoads: openLoads.map(loadJson),
    ...(ambiguousAt !== undefined && { ambiguousAt }),
    ...(isFormer && { isFormer }),
    ...(partitions && { partitions }),
  }
}

function loadJson(state: LoadState): object {
  const { load, lsn, epoch, since, shape, under, beganAt, endedAt, rows, parts } = state
  const progress = { beganAt, endedAt, rows, parts }
  const fields = { load, lsn: lsnJson(lsn), epoch, since, shape, for: state.for, ...progress }
  return { ...fields, ...(under !== undefined && { under }) }
}

function readLoad(json: JsonObject): LoadState {
  return {
    load: json.text('load'),
    lsn: readLsn(json, 'lsn'),
    epoch: json.integer('epoch', 1),
    since: json.integer('since'),
    shape: json.text('shape'),
    for: readFor(json),
    beganAt: json.integer('beganAt', 1),
    endedAt: json.isNull('endedAt') ? null : json.integer('endedAt', 1),
    rows: json.integer('rows'),
    parts: json.integer('parts'),
    ...(json.has('under') && { under: json.parsed('under', 'the id of a table', parseTableId) }),
  }
}

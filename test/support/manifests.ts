/** Manifests and their entries with everything filled in that a test does not care about. */

import { lsn } from '../../src/core/lsn.ts'
import type {
  ChangesEntry,
  ChangesManifest,
  LoadBeginEntry,
  LoadPartEntry,
  Manifest,
  RunInfo,
} from '../../src/core/manifest.ts'
import type { TableId } from '../../src/core/table.ts'

export const ORDERS = 'app.orders' as TableId
export const USERS = 'app.users' as TableId

export const RUN: RunInfo = {
  systemId: '7290000000000000001',
  database: 'shop',
  slot: 'millrace_shop',
  publication: 'millrace_shop',
  load: 'full-load-and-cdc',
  options: { tables: 'app.*' },
}

/** A manifest of changes; its positions and its clock follow from its number. */
export function changesManifest(n: number, fields: Partial<ChangesManifest> = {}): ChangesManifest {
  return {
    n,
    kind: 'changes',
    writer: 'w1',
    generation: 1,
    epoch: 1,
    timeline: 1,
    to: { lsn: lsn(BigInt(n * 100)), ordinal: 2, end: true },
    confirm: lsn(BigInt(n * 100 + 8)),
    clock: n * 1000,
    closedAt: '2026-11-23T10:11:12.345Z',
    entries: [],
    ...fields,
  }
}

export function openManifest(n: number, fields: Partial<ChangesManifest> = {}): Manifest {
  return { ...changesManifest(n, { generation: n, ...fields }), kind: 'open', run: RUN }
}

export function epochManifest(n: number, epoch: number, continues: boolean): Manifest {
  const run = { ...RUN, systemId: `system of epoch ${epoch}` }
  return { ...changesManifest(n, { epoch }), kind: 'epoch', continues, run }
}

export function changesEntry(fields: Partial<ChangesEntry> = {}): ChangesEntry {
  return {
    type: 'changes',
    table: ORDERS,
    shape: shapeAt(1),
    path: 'app/orders/cdc/dt=2026-11-23/00000000000000000002-g1.csv.gz',
    first: { lsn: lsn(100n), ordinal: 2 },
    last: { lsn: lsn(200n), ordinal: 4 },
    rows: { i: 1, u: 0, d: 1 },
    unchanged: 0,
    bytes: 123,
    sha256: 'ab'.repeat(32),
    order: 1000,
    ...fields,
  }
}

export function loadBegin(load: string, fields: Partial<LoadBeginEntry> = {}): LoadBeginEntry {
  return {
    type: 'load-begin',
    table: ORDERS,
    load,
    shape: shapeAt(1),
    lsn: lsn(50n),
    since: 1,
    for: 'all',
    ...fields,
  }
}

export function loadPart(load: string, fields: Partial<LoadPartEntry> = {}): LoadPartEntry {
  const path = `app/orders/load/${load}/000000.csv.gz`
  const file = { path, rows: 10, bytes: 100, sha256: 'cd'.repeat(32) }
  return { type: 'load-part', table: ORDERS, load, ...file, ...fields }
}

/** A key of the form that shapes have. */
export function shapeAt(number: number): string {
  return `_millrace/shapes/app/orders/${String(number).padStart(12, '0')}.json`
}

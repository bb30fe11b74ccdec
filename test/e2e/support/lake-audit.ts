/**
 * Reads a whole lake, as somebody would who trusts nothing, and proves what is promised of it.
 *
 * The log is dense from 1. Every file that a manifest names is there, with the bytes, the hash and the
 * rows that the manifest says. The positions of a table only grow, so none stands twice. `order` only
 * grows, over all files and manifests.
 */

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { watch } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'

import { parquetReadObjects } from 'hyparquet'

import { CsvReader } from '../../../src/core/csv-reader.ts'
import { lsn } from '../../../src/core/lsn.ts'
import type { ChangesEntry, Entry, LoadPartEntry, Manifest } from '../../../src/core/manifest.ts'
import { comparePositions, type Position } from '../../../src/core/position.ts'
import { parseManifestKey } from '../../../src/lake/layout.ts'
import { decodeManifest } from '../../../src/lake/log/manifest-json.ts'

export interface LakeFacts {
  readonly manifests: readonly Manifest[]
  /** Rows of changes, and rows of loads that came to their end. */
  readonly changes: number
  readonly loaded: number
  readonly generations: number
  readonly cancelledLoads: number
  /** Manifests that end within a transaction. */
  readonly cuts: number
  /** Drafts that nobody will finish. */
  readonly drafts: readonly string[]
}

export async function readManifests(folder: string): Promise<Manifest[]> {
  const below = join(folder, '_millrace/manifests')
  const names = (await readdir(below)).filter((name) => !name.startsWith('.')).toSorted()
  const manifests: Manifest[] = []
  for (const name of names) {
    const key = `_millrace/manifests/${name}`
    const manifest = decodeManifest(await readFile(join(below, name)), key)
    assert.equal(manifest.n, parseManifestKey(key))
    manifests.push(manifest)
  }
  return manifests
}

/** All manifests, as soon as they are like this. The folder must be there. */
export async function untilManifests(
  folder: string,
  isIt: (manifests: readonly Manifest[]) => boolean,
): Promise<readonly Manifest[]> {
  const watcher = watch(join(folder, '_millrace/manifests'))
  try {
    for (;;) {
      const changed = once(watcher, 'change')
      const manifests = await readManifests(folder)
      if (isIt(manifests)) return manifests
      await changed
    }
  } finally {
    watcher.close()
  }
}

export async function auditLake(folder: string): Promise<LakeFacts> {
  const manifests = await readManifests(folder)
  const audit = new Audit(folder)
  for (const [i, manifest] of manifests.entries()) {
    assert.equal(manifest.n, i + 1, 'the log is dense from 1')
    await audit.manifest(manifest)
  }
  const files = await readdir(folder, { recursive: true })
  return {
    manifests,
    changes: audit.changes,
    loaded: audit.loaded,
    generations: manifests.filter(({ kind }) => kind === 'open').length,
    cancelledLoads: audit.cancelledLoads,
    cuts: manifests.filter(({ to }) => !to.end).length,
    drafts: files.filter((name) => name.includes('.draft-')),
  }
}

interface Row {
  readonly op: string
  readonly order: bigint
  readonly position: Position
}

class Audit {
  changes = 0
  loaded = 0
  cancelledLoads = 0
  readonly #folder: string
  readonly #paths = new Set<string>()
  /** The last position of each table. */
  readonly #last = new Map<string, Position>()
  readonly #open = new Map<string, number>()
  #order = 0n
  #epoch = 1
  #to: Position = { lsn: lsn(0n), ordinal: 0 }
  #confirm = lsn(0n)

  constructor(folder: string) {
    this.#folder = folder
  }

  async manifest(manifest: Manifest): Promise<void> {
    const { n, epoch, to, confirm, clock, entries } = manifest
    if (epoch !== this.#epoch) this.#beginEpoch(manifest)
    assert.ok(comparePositions(to, this.#to) >= 0, `manifest ${n}: to never goes back`)
    assert.ok(confirm >= this.#confirm, `manifest ${n}: confirm never goes back`)
    this.#to = to
    this.#confirm = confirm
    for (const entry of entries) await this.#entry(n, entry)
    assert.ok(BigInt(clock) > this.#order, `manifest ${n}: the clock is above every order`)
  }

  /** LSNs begin anew; `order` does not. */
  #beginEpoch({ n, kind, epoch }: Manifest): void {
    assert.deepEqual([kind, epoch], ['epoch', this.#epoch + 1], `manifest ${n}: begins its epoch`)
    this.#epoch = epoch
    this.#to = { lsn: lsn(0n), ordinal: 0 }
    this.#confirm = lsn(0n)
    this.#last.clear()
  }

  async #entry(n: number, entry: Entry): Promise<void> {
    switch (entry.type) {
      case 'changes':
        return this.#changes(n, entry)
      case 'truncate':
        // It has the tick and the position of its own row, which stands in the file before it.
        assert.equal(BigInt(entry.order), this.#order, `manifest ${n}: a truncate follows its row`)
        return
      case 'shape':
      case 'rename':
      case 'drop':
        return this.#grow(BigInt(entry.order), `manifest ${n}: a barrier`)
      case 'load-begin':
        assert.ok(entry.since < n, `manifest ${n}: a load began before it was asked for`)
        this.#open.set(entry.load, 0)
        return
      case 'load-part':
        return this.#loadPart(n, entry)
      case 'load-end':
        assert.equal(this.#open.get(entry.load), entry.rows, `manifest ${n}: rows of a load`)
        this.#open.delete(entry.load)
        this.loaded += entry.rows
        return
      case 'load-cancel':
        assert.ok(this.#open.delete(entry.load), `manifest ${n}: a load was cancelled that is open`)
        this.cancelledLoads++
    }
  }

  async #changes(n: number, entry: ChangesEntry): Promise<void> {
    const { table, path, first, last, rows } = entry
    const found = await this.#rows(entry)
    const counts = { I: 0, U: 0, D: 0, T: 0 }
    for (const [i, { op, order, position }] of found.entries()) {
      counts[op as keyof typeof counts]++
      assert.equal(order, BigInt(entry.order) + BigInt(i), `${path}: row ${i} has order + ${i}`)
      this.#grow(order, path)
      const before = this.#last.get(table)
      const isAfter = before === undefined || comparePositions(position, before) > 0
      assert.ok(isAfter, `${path}: the position of row ${i} is there twice, or out of order`)
      this.#last.set(table, position)
    }
    assert.deepEqual({ i: counts.I, u: counts.U, d: counts.D }, rows, `${path}: rows`)
    assert.deepEqual(found[0]?.position, first, `${path}: first`)
    assert.deepEqual(found.at(-1)?.position, last, `${path}: last`)
    assert.ok(comparePositions(last, this.#to) <= 0, `manifest ${n}: to is the last position`)
    this.changes += found.length
  }

  async #loadPart(n: number, entry: LoadPartEntry): Promise<void> {
    const rows = await this.#rows(entry)
    assert.equal(rows.length, entry.rows, `${entry.path}: rows`)
    const before = this.#open.get(entry.load)
    assert.ok(before !== undefined, `manifest ${n}: a part of a load that is not open`)
    this.#open.set(entry.load, before + rows.length)
  }

  #grow(order: bigint, where: string): void {
    assert.ok(order > this.#order, `${where}: order ${order} does not follow ${this.#order}`)
    this.#order = order
  }

  /** Proves the file, and reads what stands before the table's own columns. */
  async #rows({ path, bytes, sha256 }: ChangesEntry | LoadPartEntry): Promise<Row[]> {
    assert.ok(!this.#paths.has(path), `${path} is named twice`)
    this.#paths.add(path)
    const file = await readFile(join(this.#folder, path))
    assert.equal(file.length, bytes, `${path}: bytes`)
    assert.equal(createHash('sha256').update(file).digest('hex'), sha256, `${path}: sha256`)
    if (path.endsWith('.parquet')) return readParquet(file)
    return readRows(path.endsWith('.gz') ? gunzipSync(file) : file)
  }
}

async function readParquet(bytes: Buffer): Promise<Row[]> {
  const { buffer: file } = new Uint8Array(bytes)
  const rows = await parquetReadObjects({ file, columns: ['Op', '_order', '_lsn', '_seq'] })
  return rows.map(({ Op: op, _order: order, _lsn: commit, _seq: seq }) => {
    const position = { lsn: lsn(BigInt(commit)), ordinal: Number(seq) }
    return { op: String(op), order: BigInt(order), position }
  })
}

function readRows(csv: Buffer): Row[] {
  const header = csv.toString('utf8', 0, csv.indexOf('\n')).split(',')
  const [op, order, commit, seq] = ['Op', '_order', '_lsn', '_seq'].map((n) => header.indexOf(n))
  const reader = new CsvReader(header.length)
  const text = (field = 0): string =>
    reader.bytes.toString('latin1', reader.start(field), reader.end(field))
  const rows: Row[] = []
  reader.push(csv)
  reader.next() // the header
  while (reader.next()) {
    const position = { lsn: lsn(BigInt(text(commit))), ordinal: Number(text(seq)) }
    rows.push({ op: text(op), order: BigInt(text(order)), position })
  }
  reader.finish()
  return rows
}

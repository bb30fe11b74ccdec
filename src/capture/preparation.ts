/**
 * The look at the source before each run, and every few seconds of it: what is wrong is told, and the
 * publication is brought in step with what is to be replicated.
 *
 * Before anything was made at the source, everything that is wrong keeps us from starting. Later a
 * table that cannot be replicated is refused alone, and the others go on.
 */

import type { Client } from 'pg'

import type { RefusedTable } from '../core/events.ts'
import type { Lsn } from '../core/lsn.ts'
import { RowMemory } from '../postgres/row-memory.ts'
import { walEnd } from '../postgres/wal-end.ts'
import { brokenOff, endedBy } from './postgres/broken-off.ts'
import { refuse, refusedTables } from './preflight/finding.ts'
import { readFacts, type SourceFacts, type Wanted } from './preflight/preflight-facts.ts'
import { blocking, checksOf, findingsOf } from './preflight/preflight.ts'
import { rememberedIn } from './publication/publication-memory.ts'
import { ensurePublication, missingIn } from './publication/publication.ts'
import {
  refusedButPublished,
  replicatedTables,
  type ReplicatedTable,
} from './publication/replicated-tables.ts'
import type { LoadableTable } from './source.ts'
import { withPartitions } from './tables/partitions.ts'

export interface Found {
  readonly facts: SourceFacts
  readonly tables: readonly LoadableTable[]
  readonly refused: readonly RefusedTable[]
}

const LOOK_WAITS = '3s'

export class Preparation {
  readonly #wanted: Wanted
  /** Of the tables, which are mostly the same from one look to the next. */
  readonly #memory = new RowMemory()
  /** The source was found fit once. */
  #hasBegun = false
  /** OIDs of tables that the publication did not have at the last look. */
  #missing: ReadonlySet<number> = new Set()
  /** Where the WAL was at the look that found them in it again. */
  readonly #seenSince = new Map<number, Lsn>()

  constructor(wanted: Wanted) {
    this.#wanted = wanted
  }

  /** What a look finds; nothing is changed. */
  async read(client: Client): Promise<SourceFacts> {
    return readFacts(client, this.#wanted, this.#memory)
  }

  /** Fails soon when the signal aborts: it may wait for a lock. */
  async run(client: Client, signal: AbortSignal): Promise<Found> {
    using _ = endedBy(signal, client)
    try {
      return await this.#run(client)
    } catch (error) {
      throw signal.aborted ? brokenOff(error) : error
    }
  }

  async #run(client: Client): Promise<Found> {
    const facts = await this.read(client)
    const findings = findingsOf(checksOf(facts, this.#wanted))
    refuse(blocking(findings, { isMade: facts.slot !== null, hasBegun: this.#hasBegun }))
    // A table that somebody alters for long must not keep us from looking for the others.
    if (this.#hasBegun) await client.query(`SET lock_timeout = '${LOOK_WAITS}'`)
    this.#hasBegun = true
    const refused = refusedTables(findings)
    const tables = this.#replicated(facts, refused)
    const since = await this.#publishedSince(client, facts, tables)
    const published = [...tables, ...refusedButPublished(facts, this.#wanted, refused)]
    if (published.length > 0) {
      const found = { found: facts.publication, tables: published, since }
      await ensurePublication(client, this.#wanted.publication, found)
    }
    const loadables = since.size === 0 ? tables : tables.map((table) => loadable(table, since))
    return { facts, refused, tables: await withPartitions(client, loadables) }
  }

  #replicated(facts: SourceFacts, refused: readonly RefusedTable[]): readonly ReplicatedTable[] {
    const { publication, tables, server } = facts
    const names = JSON.stringify(refused.map(({ name }) => name))
    const from = [publication, tables, server.version, names]
    return this.#memory.derive('replicated tables', from, () => {
      return replicatedTables(facts, this.#wanted, refused)
    })
  }

  /**
   * What came into the publication, and since when: what we add now, what we have added, and what
   * others have added since the last look.
   */
  async #publishedSince(
    client: Client,
    { publication, tables: all }: SourceFacts,
    tables: readonly ReplicatedTable[],
  ): Promise<ReadonlyMap<number, Lsn>> {
    if (publication === null) return new Map()
    const missing = new Set(missingIn(publication, all).map(({ oid }) => oid))
    const isBack = ({ oid }: ReplicatedTable) => this.#missing.has(oid) && !missing.has(oid)
    const added = tables.filter((table) => table.isAdded || isBack(table))
    this.#missing = new Set([...missing].filter((oid) => !added.some((one) => one.oid === oid)))
    const remembered = rememberedIn(publication.comment)
    if (added.length === 0 && remembered.size + this.#seenSince.size === 0) return new Map()
    const now = await walEnd(client)
    for (const { oid } of added) this.#seenSince.set(oid, now)
    const isOurs = new Set(all.map(({ oid }) => oid))
    const since = [...remembered, ...this.#seenSince]
    // A publication that was copied from another server remembers what was there.
    return new Map(since.filter(([oid, lsn]) => isOurs.has(oid) && lsn <= now))
  }
}

function loadable(table: ReplicatedTable, since: ReadonlyMap<number, Lsn>): LoadableTable {
  const publishedSince = since.get(table.oid)
  return { ...table, ...(publishedSince !== undefined && { publishedSince }) }
}

/**
 * One flush into a bucket: how its time grows with the number of tables that have changes.
 *
 * Against a real S3 server on this machine. The floors put as many files of the same bytes and one
 * manifest, with the same client and nothing else: one after the other, and all files at once with the
 * manifest behind them, which is the least that a flush can take. The files are small, as those of
 * many tables are: what counts is the requests.
 */

import type { LogWriter } from '../src/lake/log/log-writer.ts'
import type { S3Store } from '../src/storage/s3-store.ts'
import { BucketLog } from '../test/real/support/bucket-log.ts'
import { startS3Server, type S3Server } from '../test/support/s3-server.ts'
import { findVersitygw } from '../test/support/versitygw.ts'
import type { Bench } from './bench.ts'
import { interleave, medianOf, speedRatio, type Measurement, type Series } from './measurement.ts'
import { atLeast, times, type Report } from './report.ts'

const TABLES = [1, 20, 200]
const ROWS = 200
const FLUSHES = 5

/** `null` if there is no server. */
export async function benchFlushS3(bench: Bench): Promise<Report | null> {
  const found = await findVersitygw()
  if ('missing' in found) {
    bench.say(`  skipped: ${found.missing}`)
    return null
  }
  await using server = await startS3Server(found.program)
  const flushes: Flushes[] = []
  for (const tables of TABLES) {
    const place = await Place.open(server, tables)
    const [apart, together, ours] = await interleave(
      [
        [`${tables} tables, PUTs one by one`, () => place.floor(1)],
        [`${tables} tables, PUTs at once`, () => place.floor(place.parallel)],
        [`${tables} tables, a flush`, () => place.flush()],
      ],
      bench.options.rounds,
      bench.say,
    )
    flushes.push({ tables, apart: apart!, together: together!, ours: ours! })
  }
  return reportOf(flushes)
}

interface Flushes {
  readonly tables: number
  readonly apart: Series
  readonly together: Series
  readonly ours: Series
}

function reportOf(flushes: readonly Flushes[]): Report {
  const many = flushes.at(-1)!
  const ms = (series: Series): string => (medianOf(series, (m) => m.seconds) * 1000).toFixed(1)
  return {
    name: 'flush-s3',
    title: 'Flushing into a bucket',
    how:
      `A real S3 server (versitygw) on the same two cores, over loopback. A file has ${ROWS} rows, as ` +
      `csv.gz; each figure is the mean of ${FLUSHES} flushes. The floors put files of the same sizes and a ` +
      `manifest, and neither encode nor hash. Ours holds encoding, compression and SHA-256.`,
    figures: [
      atLeast(
        `speed, ${many.tables} tables, to PUTs at once`,
        speedRatio(many.ours, many.together),
        0.5,
      ),
    ],
    table: [
      ['tables', 'ms: PUTs one by one', 'PUTs at once', 'a flush', 'to one by one', 'to at once'],
      ...flushes.map(({ tables, apart, together, ours }) => [
        String(tables),
        ms(apart),
        ms(together),
        ms(ours),
        times(speedRatio(ours, apart)),
        times(speedRatio(ours, together)),
      ]),
    ],
  }
}

/** A bucket with a log in it. */
class Place {
  readonly parallel: number
  readonly #store: S3Store
  readonly #log: BucketLog
  readonly #writer: LogWriter
  readonly #tables: number
  /** Sizes of the objects of one flush, the manifest's last. */
  #sizes: readonly number[] = []
  #at = 0x100n
  #objects = 0

  private constructor(store: S3Store, log: BucketLog, own: { writer: LogWriter; tables: number }) {
    this.parallel = store.parallel
    this.#store = store
    this.#log = log
    this.#writer = own.writer
    this.#tables = own.tables
  }

  static async open(server: S3Server, tables: number): Promise<Place> {
    const store = server.store(await server.bucket(), 'lake')
    const log = new BucketLog(store)
    const place = new Place(store, log, { writer: await log.open('bench'), tables })
    // Shapes and the search for what a crash left are of the first flush alone.
    await place.#flushOnce()
    return place
  }

  async flush(): Promise<Measurement> {
    let seconds = 0
    for (let i = 0; i < FLUSHES; i++) seconds += await this.#flushOnce()
    return measured(seconds / FLUSHES)
  }

  /** The same PUTs, so many at a time. */
  async floor(parallel: number): Promise<Measurement> {
    const before = performance.now()
    for (let i = 0; i < FLUSHES; i++) {
      const sizes = this.#sizes.slice(0, -1).values()
      const worker = async (): Promise<void> => {
        for (const bytes of sizes) await this.#put(bytes)
      }
      await Promise.all(Array.from({ length: parallel }, worker))
      await this.#put(this.#sizes.at(-1)!, true)
    }
    return measured((performance.now() - before) / 1000 / FLUSHES)
  }

  async #flushOnce(): Promise<number> {
    this.#at += 0x100n
    const batch = await this.#log.batch(this.#at, this.#tables, ROWS)
    const before = performance.now()
    const { manifest } = await this.#writer.write(batch)
    const seconds = (performance.now() - before) / 1000
    const files = manifest.entries.flatMap((entry) => ('bytes' in entry ? [entry.bytes] : []))
    // About what the names and hashes of the files take in a manifest.
    this.#sizes = [...files, 300 + 400 * files.length]
    return seconds
  }

  async #put(bytes: number, ifAbsent = false): Promise<void> {
    await this.#store.put(`floor/${this.#objects++}`, new Uint8Array(bytes), { ifAbsent })
  }
}

function measured(seconds: number): Measurement {
  return { rows: 1, seconds, cpuSeconds: null, peakRss: null }
}

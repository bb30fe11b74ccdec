/**
 * `lake cat`: the rows of a table as they stand in the lake, or as they were at a time.
 *
 * Reads data files as every consumer does, so what is printed has been proved to be what was written.
 */

import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

import { openLake, type Lake } from '../../compose.ts'
import { loadConfig } from '../../config/load.ts'
import { OP } from '../../core/change-log.ts'
import { fail } from '../../core/errors.ts'
import { tableId, type Shape, type TableId } from '../../core/table.ts'
import { tableAsOf } from '../../lake/history/as-of.ts'
import { history, type HistoryOptions, type HistoryRow } from '../../lake/history/history.ts'
import type { Moment } from '../../lake/history/moment.ts'
import { hasKey, keyTexts, type KeyTexts } from '../../lake/history/row-key.ts'
import {
  historyCsv,
  historyHeader,
  historyJson,
  rowCsv,
  rowHeader,
  rowJson,
  valuesOf,
  type Values,
} from '../../lake/history/row-text.ts'
import { readLakeInfo } from '../../lake/lake-info.ts'
import { parseTableId } from '../../lake/layout.ts'
import { systemClock } from '../../system-clock.ts'
import { command, CONFIG_FLAG, type CommandContext } from '../command.ts'
import { parseMoment } from '../when.ts'

const TIME = { kind: 'text', value: 'time', default: null } as const

export const lakeCatCommand = command({
  name: 'lake cat',
  summary: 'Print the changes of a table, or the table as it was at a time',
  details:
    'Prints CSV: the columns of the lake, then those of the table; all rows in the order of the log. ' +
    'With --as-of it prints the rows that the table had then, in no order. A time is ' +
    '2026-11-23T10:00:00Z (UTC if no zone is given), a while ago such as 2h, or an LSN. ' +
    'Values are the texts of PostgreSQL.',
  flags: {
    config: CONFIG_FLAG,
    asOf: { ...TIME, about: 'the rows that the table had at that time' },
    from: { ...TIME, about: 'only what committed then or later' },
    to: { ...TIME, about: 'only what committed before' },
    key: {
      kind: 'text',
      value: 'key',
      about: 'only the row with this key: 7, or tenant=3,id=7',
      default: null,
    },
    json: { kind: 'switch', about: 'print a JSON object for each row' },
    file: { kind: 'text', value: 'path', about: 'only this file of `lake ls`', default: null },
    noLoads: { kind: 'switch', about: 'leave out the rows of loads' },
  },
  arguments: { table: { about: 'the table: app.orders', isOptional: false } },

  async run({ config: name, asOf, key, json, table, ...flags }, { env, stdout, stderr }) {
    const { config } = loadConfig(name, env, { optional: ['source.url'] })
    const now = systemClock.now()
    const options: HistoryOptions = {
      table: idOf(table),
      from: parseMoment('--from', flags.from, now),
      to: parseMoment('--to', flags.to, now),
      file: flags.file,
      hasLoads: !flags.noLoads,
    }
    const then = parseMoment('--as-of', asOf, now)
    if (then !== null && (options.from ?? options.to ?? options.file) !== null) {
      fail('USAGE', '--as-of cannot be together with --from, --to or --file')
    }
    const lake = openLake(config)
    await readLakeInfo(lake.store)
    const print = { key, isJson: json, stderr }
    const pieces =
      then === null ? historyText(lake, options, print) : asOfText(lake, options.table, then, print)
    await pipeline(Readable.from(blocks(pieces), { objectMode: false }), stdout, { end: false })
    return 0
  },
})

interface Print {
  readonly key: string | null
  readonly isJson: boolean
  readonly stderr: CommandContext['stderr']
}

async function* historyText(
  lake: Lake,
  options: HistoryOptions,
  { key, isJson }: Print,
): AsyncGenerator<Buffer | string> {
  const wanted = new WantedRows(key)
  let header: Buffer = Buffer.alloc(0)
  let isEmpty = true
  for await (const row of history(lake, options)) {
    isEmpty = false
    const values = valuesOf(row)
    if (!wanted.has(row, values)) continue
    if (isJson) {
      yield historyJson(row, values)
      continue
    }
    // A file of another shape has another header.
    const next = historyHeader(row.shape)
    if (!next.equals(header)) yield next
    header = next
    yield historyCsv(row, values)
  }
  if (isEmpty) await refuseUnknown(lake, options)
}

async function refuseUnknown({ reader }: Lake, { table, file }: HistoryOptions): Promise<void> {
  const isKnown = (await reader.recover()).tables.has(table)
  if (isKnown && file === null) return
  fail('USAGE', `the lake has no such ${isKnown ? 'file' : 'table'}: ${file ?? table}`, {
    hint: 'see `millrace lake ls` for the tables, and `millrace lake ls TABLE` for its files',
  })
}

async function* asOfText(
  lake: Lake,
  table: TableId,
  then: Moment,
  { key, isJson, stderr }: Print,
): AsyncGenerator<Buffer | string> {
  const { shape, rows, upTo } = await tableAsOf(lake, table, then)
  if (upTo !== null) stderr.write(`the lake ends at ${upTo}: this is the table as it was then\n`)
  const texts = key === null ? null : keyTexts(key, shape)
  if (!isJson) yield rowHeader(shape)
  for await (const values of rows) {
    if (texts !== null && !hasKey(values, texts)) continue
    yield isJson ? rowJson(shape, values) : rowCsv(shape, values)
  }
}

/** The versions of one row, or all rows. */
class WantedRows {
  readonly #key: string | null
  #texts: { readonly shape: Shape; readonly texts: KeyTexts } | null = null
  /** The delete of the row before: if an insert stands right behind it, the row got another key. */
  #ended: HistoryRow | null = null

  constructor(key: string | null) {
    this.#key = key
  }

  has(row: HistoryRow, values: Values): boolean {
    if (this.#key === null) return true
    const ended = this.#ended
    const isSame = row.op === OP.truncate || hasKey(values, this.#textsOf(row.shape, this.#key))
    this.#ended = isSame && row.op === OP.delete ? row : null
    const isMoved =
      ended !== null &&
      row.op === OP.insert &&
      row.commitLsn === ended.commitLsn &&
      row.ordinal === ended.ordinal + 1
    return isSame || isMoved
  }

  #textsOf(shape: Shape, key: string): KeyTexts {
    if (this.#texts?.shape !== shape) this.#texts = { shape, texts: keyTexts(key, shape) }
    return this.#texts.texts
  }
}

function idOf(table: string): TableId {
  const id = parseTableId(table)
  if (id !== null) return id
  const [namespace = '', name = ''] = table.split(/\.(.*)/s)
  if (namespace !== '' && name !== '') return tableId({ namespace, name })
  return fail('USAGE', `"${table}" is no name of a table`, { hint: 'write app.orders' })
}

const BLOCK_BYTES = 64 * 1024

/** Fewer and larger writes. */
async function* blocks(pieces: AsyncIterable<Buffer | string>): AsyncGenerator<Buffer> {
  let held: Buffer[] = []
  let bytes = 0
  for await (const piece of pieces) {
    const buffer = typeof piece === 'string' ? Buffer.from(piece) : piece
    held.push(buffer)
    bytes += buffer.length
    if (bytes < BLOCK_BYTES) continue
    yield Buffer.concat(held)
    held = []
    bytes = 0
  }
  if (bytes > 0) yield Buffer.concat(held)
}

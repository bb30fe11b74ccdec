import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { LedgerChain, type OrderedLedger } from '../../../../src/apply/ordered/ledger-chain.ts'
import { neededAbove } from '../../../../src/apply/ordered/place.ts'
import { CodedError } from '../../../../src/core/errors.ts'
import { MemoryStore } from '../../../../src/storage/memory-store.ts'
import {
  drop,
  id,
  insert,
  loadBegin,
  loadCancel,
  loadEnd,
  remove,
  rename,
  ScriptedLog,
  truncate,
  update,
} from '../scripted-log.ts'
import { CONSUMER, FilesDesk, filesOf } from './files-desk.ts'

const HEADER = 'addColumnName=true;'

describe('an ordered drain', () => {
  test('writes changes of a table in order, in one file for each interval of the log', async () => {
    const log = new ScriptedLog().open('cdc')
    log.changes({ to: [10, 2], entries: [log.rows('a', [insert([10, 2], '1', 'x')])] })
    log.changes({
      to: [20, 4],
      entries: [log.rows('a', [update([20, 2], '1', 'y'), remove([20, 4], '1')])],
    })
    for (let i = 0; i < 60; i++) log.heartbeat(100 + i)
    log.changes({ to: [300, 2], entries: [log.rows('a', [insert([300, 2], '2', 'z')])] })
    const desk = new FilesDesk(log, { settings: HEADER })
    await desk.drain.drainOnce()
    assert.deepEqual(await desk.files(), {
      'app/a/19700101-000102000.csv': 'Op,id,v\nI,1,x\nU,1,y\nD,1,\n',
      'app/a/19700101-000104000.csv': 'Op,id,v\nI,2,z\n',
    })
    assert.equal(desk.drain.position().n, 64)
    assert.equal(desk.pool.bytesInUse, 0)
  })

  test('holds changes back until the interval is over, unless somebody waits', async () => {
    let now = 3000
    const log = new ScriptedLog().open('cdc')
    log.changes({ to: [10, 2], entries: [log.rows('a', [insert([10, 2], '1', 'x')])] })
    const desk = new FilesDesk(log, { now: () => now })
    await desk.drain.drainOnce()
    assert.deepEqual(await desk.files(), {})
    now = 62_000
    await desk.drain.drainOnce()
    assert.equal(Object.keys(await desk.files()).length, 1)
    log.changes({ to: [20, 2], entries: [log.rows('a', [insert([20, 2], '2', 'x')])] })
    now = 3000
    await desk.drain.drainOnce()
    assert.equal(Object.keys(await desk.files()).length, 1)
    desk.drain.hurry()
    await desk.drain.drainOnce()
    assert.equal(Object.keys(await desk.files()).length, 2)
  })

  test('writes the load of a table and then the changes on top of it, and none below', async () => {
    const log = loadedLog()
    const desk = new FilesDesk(log)
    await desk.drain.drainOnce()
    assert.deepEqual(await desk.files(), {
      'app/a/LOAD00000001.csv': '1,x\n2,y\n',
      'app/a/19700101-000005000.csv': 'U,1,z\nI,3,w\n',
    })
    assert.deepEqual(desk.drain.position(), { n: 5, stragglers: 0, suspended: 0 })
  })

  test('holds a table back that is loaded again, and goes on where it was if the load is cancelled', async () => {
    const log = loadedLog()
    const desk = new FilesDesk(log)
    await desk.drain.drainOnce()
    log.changes({ entries: [loadBegin('a', 'L2', { lsn: 60, since: 5 })] })
    log.changes({ to: [70, 2], entries: [log.rows('a', [insert([70, 2], '4', 'v')])] })
    await desk.drain.drainOnce()
    assert.equal(desk.drain.position().stragglers, 1)
    assert.equal(Object.keys(await desk.files()).length, 2)
    log.changes({ entries: [loadCancel('a', 'L2')] })
    await desk.drain.drainOnce()
    assert.equal((await desk.files())['app/a/19700101-000008000.csv'], 'I,4,v\n')
    assert.equal(desk.drain.position().stragglers, 0)
  })

  test('tells what it still needs before its ledger goes back to a load', async () => {
    const log = loadedLog()
    const store = new MemoryStore()
    await new FilesDesk(log, { store }).drain.drainOnce()
    log.changes({ to: [70, 2], entries: [log.rows('a', [insert([70, 2], '4', 'v')])] })
    log.changes({ entries: [loadBegin('a', 'L2', { lsn: 60, since: 4 })] })
    const chain = new LedgerChain(store, { lakeId: 'lake', consumer: CONSUMER })
    const ledger: OrderedLedger = {
      read: () => chain.read(),
      replace: async (v, place) => {
        assert.ok(told <= neededAbove(place), `${neededAbove(place)} is needed, ${told} was told`)
        lowest = Math.min(lowest, neededAbove(place))
        return chain.replace(v, place)
      },
    }
    let [told, lowest] = [Infinity, Infinity]
    const write = async (_: string, above: number) => void (told = above)
    await new FilesDesk(log, { store, ledger, registry: { write } }).drain.drainOnce()
    assert.equal(lowest, 4)
  })

  test('writes the rows of a second load under new names, and the changes since it behind them', async () => {
    const log = loadedLog()
    const desk = new FilesDesk(log)
    await desk.drain.drainOnce()
    log.changes({ entries: [loadBegin('a', 'L2', { lsn: 60, since: 5 })] })
    log.changes({ to: [70, 2], entries: [log.rows('a', [insert([70, 2], '4', 'v')])] })
    log.changes({ entries: [log.part('a', 'L2', [['1', 'z']]), loadEnd('a', 'L2')] })
    await desk.drain.drainOnce()
    const files = await desk.files()
    assert.equal(files['app/a/LOAD00000002.csv'], '1,z\n')
    assert.equal(files['app/a/19700101-000008000.csv'], 'I,4,v\n')
  })

  test('writes nothing of a transaction that an epoch has voided, and waits for new loads', async () => {
    const log = new ScriptedLog().open('cdc')
    log.changes({ to: [10, 2], entries: [log.rows('a', [insert([10, 2], '1', 'x')])] })
    log.changes({ to: [20, 2, 'half'], entries: [log.rows('a', [insert([20, 2], '2', 'x')])] })
    log.epoch({ continues: false, to: [5, 0], mode: 'cdc' })
    const desk = new FilesDesk(log)
    await desk.drain.drainOnce()
    assert.deepEqual(Object.values(await desk.files()), ['I,1,x\n'])
    assert.equal(desk.drain.position().stragglers, 1)
  })

  test('follows a table to its new name, and forgets one that is dropped', async () => {
    const log = new ScriptedLog().open('cdc')
    log.changes({
      to: [10, 6],
      entries: [
        log.rows('a', [insert([10, 2], '1', 'x')]),
        rename('a', [10, 4], 'b'),
        log.rows('b', [insert([10, 6], '2', 'y')]),
        drop('b', [10, 8]),
      ],
    })
    const desk = new FilesDesk(log)
    await desk.drain.drainOnce()
    assert.deepEqual(await desk.files(), {
      'app/a/19700101-000002000.csv': 'I,1,x\n',
      'app/b/19700101-000002000.csv': 'I,2,y\n',
    })
    assert.equal(desk.drain.position().stragglers, 0)
  })

  test('passes a truncate by, since it has no row and files that were written stay', async () => {
    const log = new ScriptedLog().open('cdc')
    const truncated = { op: 'truncate', lsn: 10n, ordinal: 4, values: [] } as const
    log.changes({
      to: [10, 4],
      entries: [log.rows('a', [insert([10, 2], '1', 'x'), truncated]), truncate('a', [10, 4])],
    })
    const desk = new FilesDesk(log)
    await desk.drain.drainOnce()
    assert.deepEqual(Object.values(await desk.files()), ['I,1,x\n'])
  })

  test('asks for a load if the log has none that it could take', async () => {
    const log = loadedLog()
    log.kept = 5
    const desk = new FilesDesk(log)
    await desk.drain.drainOnce()
    assert.deepEqual([...log.requests.keys()], [`${CONSUMER} ${id('a')}`])
    assert.equal(desk.drain.position().stragglers, 1)
  })

  test('stops at a file of somebody else that has the name of ours', async () => {
    const store = new MemoryStore()
    await store.put('app/a/LOAD00000001.csv', Buffer.from('9,foreign\n'))
    const desk = new FilesDesk(loadedLog(), { store })
    await assert.rejects(desk.drain.drainOnce(), { code: 'TARGET_FILE_TAKEN' })
  })

  test('takes all tables into one stream in the order of the source', async () => {
    const log = new ScriptedLog().open('cdc')
    log.changes({
      to: [20, 4],
      entries: [
        log.rows('a', [insert([10, 2], '1', 'x'), insert([20, 4], '2', 'x')]),
        log.rows('b', [insert([10, 4], '3', 'y'), remove([20, 2], '3')]),
      ],
    })
    const desk = new FilesDesk(log, { settings: 'preserveTransactions=true;cdcPath=tx' })
    await desk.drain.drainOnce()
    assert.deepEqual(await desk.files(), {
      'tx/CDC_TXN-19700101000002000.csv': 'I,a,app,1,x\nI,b,app,3,y\nD,b,app,3,\nI,a,app,2,x\n',
    })
  })

  test('writes Parquet files under names of their own, and the stream of all tables as CSV', async () => {
    const desk = new FilesDesk(loadedLog(), { settings: 'dataFormat=parquet' })
    await desk.drain.drainOnce()
    const names = Object.keys(await desk.files())
    assert.deepEqual(names, ['app/a/19700101-000005000.parquet', 'app/a/LOAD00000001.parquet'])
    const settings = 'dataFormat=parquet;preserveTransactions=true;cdcPath=tx'
    const merged = new FilesDesk(loadedLog(), { settings })
    await merged.drain.drainOnce()
    assert.deepEqual(Object.keys(await merged.files()), [
      'app/a/LOAD00000001.parquet',
      'tx/CDC_TXN-19700101000005000.csv',
    ])
  })

  test('takes a load of a table that is selected again, since its lines meanwhile are in no file', async () => {
    const log = loadedLog()
    const store = new MemoryStore()
    await new FilesDesk(log, { store, isSelected: () => true }).drain.drainOnce()
    const out = new FilesDesk(log, { store, isSelected: () => false })
    log.changes({ to: [70, 2], entries: [log.rows('a', [insert([70, 2], '4', 'v')])] })
    await out.drain.drainOnce()
    assert.equal(out.drain.position().stragglers, 0)
    log.changes({ to: [80, 2], entries: [log.rows('a', [insert([80, 2], '5', 'u')])] })
    await new FilesDesk(log, { store, isSelected: () => true }).drain.drainOnce()
    const files = await filesOf(store)
    assert.equal(files['app/a/LOAD00000002.csv'], '1,x\n2,y\n')
    assert.deepEqual(
      Object.keys(files)
        .filter((name) => !name.includes('LOAD'))
        .map((name) => files[name])
        .join(''),
      'U,1,z\nI,3,w\nU,1,z\nI,3,w\nI,4,v\nI,5,u\n',
    )
  })

  test('begins with the load of a table that it had not met, though nothing of it changes', async () => {
    const log = loadedLog()
    const store = new MemoryStore()
    await new FilesDesk(log, { store, isSelected: () => false }).drain.drainOnce()
    assert.deepEqual(await filesOf(store), {})
    await new FilesDesk(log, { store, isSelected: () => true }).drain.drainOnce()
    assert.deepEqual(Object.values(await filesOf(store)), ['U,1,z\nI,3,w\n', '1,x\n2,y\n'])
  })

  for (const settings of ['maxFileSize=1', 'dataFormat=parquet', 'compressionType=GZIP']) {
    test(`goes on where it was after any failure of its store, with every file written once (${settings})`, async () => {
      const expected = await drained(loadedLog(), new MemoryStore(), settings)
      for (let at = 1; at < 40; at++) {
        const store = new FailingStore(at)
        const log = loadedLog()
        for (let attempt = 0; attempt < 3; attempt++) {
          const desk = new FilesDesk(log, { store, settings })
          try {
            await desk.drain.drainOnce()
            break
          } catch (error) {
            assert.equal((error as CodedError).code, 'DISK_FULL')
          }
        }
        assert.deepEqual(await filesOf(store), expected, `failed at put ${at}`)
        assert.deepEqual(store.overwritten, [], `failed at put ${at}`)
      }
    })
  }
})

/** A table whose load ends at manifest 4; some changes lie below the load. */
function loadedLog(): ScriptedLog {
  const log = new ScriptedLog().open('full-load-and-cdc', { to: [30, 0], confirm: 30 })
  log.changes({ to: [40, 2], entries: [log.rows('a', [insert([40, 2], '2', 'y')])] })
  log.changes({ entries: [loadBegin('a', 'L', { lsn: 50, since: 1 })] })
  log.changes({
    to: [50, 2],
    entries: [
      log.rows('a', [update([50, 2], '1', 'z')]),
      log.part('a', 'L', [
        ['1', 'x'],
        ['2', 'y'],
      ]),
      loadEnd('a', 'L'),
    ],
  })
  log.changes({ to: [60, 2], entries: [log.rows('a', [insert([60, 2], '3', 'w')])] })
  return log
}

async function drained(
  log: ScriptedLog,
  store: MemoryStore,
  settings: string,
): Promise<Record<string, string>> {
  await new FilesDesk(log, { store, settings }).drain.drainOnce()
  return filesOf(store)
}

/** Breaks at one put: before it is written, or after it, as when an answer gets lost. */
class FailingStore extends MemoryStore {
  readonly overwritten: string[] = []
  #puts = 0
  readonly #at: number

  constructor(at: number) {
    super()
    this.#at = at
  }

  override async put(...given: Parameters<MemoryStore['put']>): Promise<void> {
    const [key, , options] = given
    if (!options?.ifAbsent && (await this.get(key)) !== null) this.overwritten.push(key)
    const isBroken = ++this.#puts === Math.ceil(this.#at / 2)
    if (isBroken && this.#at % 2 === 0) throw broken()
    await super.put(...given)
    if (isBroken) throw broken()
  }
}

function broken(): CodedError {
  return new CodedError('DISK_FULL', 'no room')
}

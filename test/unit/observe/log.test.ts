import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { CodedError } from '../../../src/core/errors.ts'
import { createLog, errorFields, LINES_KEPT } from '../../../src/observe/log.ts'
import { prettyLine } from '../../../src/observe/pretty-line.ts'

function collect({
  isPretty = false,
  level = 'info',
}: { isPretty?: boolean; level?: 'info' | 'warn' } = {}) {
  const written: string[] = []
  const out = { write: (text: string) => written.push(text) }
  return { ...createLog({ out, isPretty, level, base: { task: 'shop' } }), written }
}

describe('the log', () => {
  test('is one JSON object a line, with time, level, message and data', () => {
    const { log, written } = collect()
    log.info({ table: 'app.orders', rows: 3 }, 'load ended')
    assert.equal(written.length, 1)
    assert.match(written[0]!, /\n$/)
    const { time, ...rest } = JSON.parse(written[0]!) as Record<string, unknown>
    assert.match(String(time), /^\d{4}-\d\d-\d\dT.*Z$/)
    const expected = { level: 'info', task: 'shop', table: 'app.orders', rows: 3 }
    assert.deepEqual(rest, { ...expected, message: 'load ended' })
  })

  test('leaves out what is below its level', () => {
    const { log, lines, written } = collect()
    log.debug('manifest written')
    assert.deepEqual([written.length, lines.since(0).length], [0, 0])
  })

  test('keeps for the dashboard what a terminal does not show', () => {
    const { log, lines, written } = collect({ level: 'warn' })
    log.info('load ended')
    log.warn('target was slow')
    assert.equal(written.length, 1)
    assert.equal(lines.since(0).length, 2)
  })

  test('keeps its last lines, numbered, for whoever asks for the newer ones', () => {
    const { log, lines } = collect()
    for (let i = 1; i <= LINES_KEPT + 20; i++) log.warn({ i }, 'it happened')
    const kept = lines.since(0)
    assert.equal(kept.length, LINES_KEPT)
    assert.equal(kept[0]?.seq, 21)
    const [newest, ...others] = lines.since(LINES_KEPT + 19)
    assert.equal(others.length, 0)
    assert.deepEqual([newest?.level, newest?.message], ['warn', 'it happened'])
    assert.deepEqual(newest?.fields, { task: 'shop', i: LINES_KEPT + 20 })
  })

  test('is short and readable for people', () => {
    const { log, written } = collect({ isPretty: true })
    log.info({ table: 'app.orders', seconds: 1.23456, reason: 'it was "altered"' }, 'load ended')
    assert.match(
      written[0]!,
      /^\d\d:\d\d:\d\d {2}info {2}load ended {2}task=shop table=app\.orders seconds=1\.235 reason="it was \\"altered\\""\n$/,
    )
  })

  test('has colours only where they are wanted', () => {
    const line = { seq: 1, at: 0, level: 'error', message: 'failed', fields: {} } as const
    assert.ok(!prettyLine(line, false).includes('\u001B'))
    assert.ok(prettyLine(line, true).includes('\u001B[31merror'))
  })
})

describe('an error in the log', () => {
  test('with a code shows it with its facts and what to do, without a stack', () => {
    const error = new CodedError('PORT_IN_USE', 'cannot listen', { details: { port: 7070 } })
    const { code, hint, port, stack } = errorFields(error)
    assert.deepEqual([code, port, stack], ['PORT_IN_USE', 7070, undefined])
    assert.match(String(hint), /server\.listen/)
  })

  test('without a code is a bug and keeps its stack', () => {
    const { error, stack } = errorFields(new TypeError('x is undefined'))
    assert.equal(error, 'x is undefined')
    assert.match(String(stack), /log\.test/)
  })
})

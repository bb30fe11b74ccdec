/**
 * A message that is cut anywhere fails, and no byte behind its end is looked at. What stands there
 * is as plausible as it can be: the rest of the very same message.
 */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { hasCode } from '../../../src/core/errors.ts'
import { Decoder } from '../../../src/pgoutput/index.ts'
import { wire } from '../../support/wire.ts'
import { Events } from './events.ts'
import { bytesOf, SAMPLES, type Sample } from './samples.ts'

const START = 7
/** Position and time of an abort are optional, so a Stream Abort cut before them is whole. */
const SHORT_ABORT_BYTES = 9

function decoderFor({ isStreamed, protocol }: Sample): { decoder: Decoder; events: Events } {
  const events = new Events()
  const decoder = new Decoder(events, protocol)
  const start = wire.streamStart(731)
  if (isStreamed) decoder.decode(start, 0, start.length)
  events.all.length = 0
  return { decoder, events }
}

function isViolation(error: unknown): boolean {
  return hasCode(error, 'PROTOCOL_VIOLATION') && /, byte \d+ of \d+: /.test(error.message)
}

/** A buffer that fails when somebody touches what stands at or behind `end`. */
function guarded(bytes: Buffer, end: number): Buffer {
  const proxy: Buffer = new Proxy(bytes, {
    get(target, property) {
      if (typeof property === 'string' && /^\d+$/.test(property)) {
        assert.ok(Number(property) < end, `byte ${property} was read, the message ends at ${end}`)
        return target[Number(property)]
      }
      if (property === 'toString' || property === 'subarray') {
        return (...args: never[]) => {
          assert.ok(Number(args.at(-1)) <= end, `${property} goes to ${args.at(-1)}, not ${end}`)
          return target[property](...args)
        }
      }
      return Reflect.get(target, property, target) as unknown
    },
  })
  return proxy
}

describe('a message fails wherever it is cut', () => {
  for (const sample of SAMPLES) {
    test(sample.name, () => {
      const message = bytesOf(sample.hex)
      const bytes = Buffer.concat([Buffer.from('plausib'), message, message])
      for (let length = 0; length < message.length; length++) {
        if (sample.protocol === 4 && length === SHORT_ABORT_BYTES) continue
        const { decoder, events } = decoderFor(sample)
        assert.throws(() => decoder.decode(bytes, START, START + length), isViolation)
        assert.deepEqual(events.all, [])
      }
    })
  }
})

describe('a message fails if bytes are left over', () => {
  for (const sample of SAMPLES) {
    test(sample.name, () => {
      const message = bytesOf(sample.hex)
      const bytes = Buffer.concat([Buffer.from('plausib'), message, message])
      for (let length = message.length + 1; length <= message.length * 2; length++) {
        const { decoder, events } = decoderFor(sample)
        assert.throws(() => decoder.decode(bytes, START, START + length), isViolation)
        assert.deepEqual(events.all, [])
      }
    })
  }
})

test('no byte behind the end is looked at, whether the message is whole or cut', () => {
  for (const sample of SAMPLES) {
    const message = bytesOf(sample.hex)
    const bytes = Buffer.concat([Buffer.from('plausib'), message, message])
    for (let length = 0; length <= message.length; length++) {
      const end = START + length
      const { decoder } = decoderFor(sample)
      try {
        decoder.decode(guarded(bytes, end), START, end)
      } catch (error) {
        if (!isViolation(error)) throw error
      }
    }
  }
})

test('what stands behind a cut message does not change the error', () => {
  for (const sample of SAMPLES) {
    const message = bytesOf(sample.hex)
    for (let length = 0; length < message.length; length++) {
      const cut = message.subarray(0, length)
      const errors = [Buffer.alloc(0), Buffer.alloc(64), Buffer.alloc(64, 0xff)].map((tail) => {
        try {
          decoderFor(sample).decoder.decode(Buffer.concat([cut, tail]), 0, length)
          return null
        } catch (error) {
          return String(error)
        }
      })
      assert.equal(new Set(errors).size, 1)
    }
  }
})

/**
 * Lets zlib answer at once. Imported before anything that uses it.
 *
 * zlib's own threads answer whenever they like, and a history must follow from its seed alone. Only
 * roll-ups are packed here: the lake of the simulation has plain CSV files.
 */

import { syncBuiltinESMExports } from 'node:module'
import zlib from 'node:zlib'

type Answer = (error: Error | null, result: Buffer) => void

function immediately(work: (bytes: Buffer) => Buffer) {
  return (bytes: Buffer, answer: Answer): void => {
    process.nextTick(() => {
      let result: Buffer
      try {
        result = work(bytes)
      } catch (error) {
        answer(error as Error, Buffer.alloc(0))
        return
      }
      answer(null, result)
    })
  }
}

Object.assign(zlib, {
  gzip: immediately((bytes) => zlib.gzipSync(bytes, { level: 1 })),
  gunzip: immediately((bytes) => zlib.gunzipSync(bytes)),
})
syncBuiltinESMExports()

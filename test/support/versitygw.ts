/**
 * The real S3 server of the tests: versitygw, built once by Go and kept in the machine's cache.
 *
 * `npm run test:real` builds it. A test that runs without asks only whether it is there.
 */

import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

import { makeWhole } from '../../src/demo/cache-folder.ts'
import { VERSITYGW, versitygwPlace } from '../../src/demo/versitygw.ts'

/** The program, or the sentence that says why there is none. */
export type Versitygw = { readonly program: string } | { readonly missing: string }

export async function findVersitygw(): Promise<Versitygw> {
  const { program } = await versitygwPlace()
  if (existsSync(program)) return { program }
  return { missing: `versitygw is not built; npm run test:real does it, if Go is there` }
}

/**
 * Takes some minutes the first time. It is for scripts/test-real.mjs.
 * @public
 */
export async function buildVersitygw(): Promise<Versitygw> {
  const { folder, program } = await versitygwPlace()
  if (existsSync(program)) return { program }
  if (spawnSync('go', ['version']).status !== 0) {
    return { missing: `versitygw is not built, and there is no Go to build it with` }
  }
  let problem = ''
  await makeWhole(folder, async (draft) => {
    problem = build(draft)
    if (problem !== '') throw new Error(problem)
  }).catch((error: unknown) => {
    if (problem === '') throw error
  })
  return problem === '' ? { program } : { missing: `Go could not build versitygw: ${problem}` }
}

/** Returns what went wrong, or nothing. */
function build(folder: string): string {
  const flags = `${process.env['GOFLAGS'] ?? ''} -p=2`.trim()
  const { status, stderr } = spawnSync('go', ['install', VERSITYGW], {
    env: { ...process.env, GOBIN: folder, GOFLAGS: flags },
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  })
  if (status === 0) return ''
  return stderr.trim().split('\n').at(-1) || `it ended with ${status}`
}

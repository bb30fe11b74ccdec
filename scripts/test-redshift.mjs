/**
 * `npm run test:redshift`: what we believe of Redshift, on the Redshift-shaped server of the tests and,
 * if one is given, on a real cluster.
 *
 *   REDSHIFT_TEST_URL=postgres://user:password@….redshift-serverless.amazonaws.com:5439/dev
 *   REDSHIFT_TEST_S3_URI=s3://bucket/prefix/      a place that we may write and the role may read
 *   REDSHIFT_TEST_IAM_ROLE=arn:aws:iam::…         what COPY reads with, or `default`
 *
 * The suite makes a schema `cdc_conf_…` and drops it at its end; it takes a few minutes of a cluster.
 * What was seen goes to build/redshift-readings.json, and build/redshift-behaviours.md lists what the
 * server in Redshift's shape does and how we know.
 */

import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { ROOT, setup } from './setup.mjs'

const NEEDED = ['REDSHIFT_TEST_URL', 'REDSHIFT_TEST_S3_URI', 'REDSHIFT_TEST_IAM_ROLE']
const missing = NEEDED.filter((name) => !process.env[name])
const isSome = missing.length < NEEDED.length

if (isSome && missing.length > 0) {
  console.error(`for a real cluster, set ${missing.join(' and ')}, too`)
  process.exit(1)
}
setup()
const file = join('build', 'test', 'conformance', 'redshift.test.js')
const args = ['--enable-source-maps', '--test', '--test-reporter=spec', file]
const { status } = spawnSync(process.execPath, args, { cwd: ROOT, stdio: 'inherit' })
// It exists only after the build.
const { printBehaviours } = await import('../build/test/support/redshift/behaviours.js')
writeFileSync(join(ROOT, 'build', 'redshift-behaviours.md'), printBehaviours())
console.log('readings: build/redshift-readings.json, behaviours: build/redshift-behaviours.md')
if (!isSome) console.log(`REAL REDSHIFT: NOT TESTED (set ${NEEDED.join(', ')})`)
process.exitCode = status ?? 1

/**
 * What we believe of Redshift, case by case: on the Redshift-shaped server always, and on a real
 * cluster if one is given, see `redshift/place.ts`. Readings go to build/redshift-readings.json, those
 * of the cluster if there was one.
 */

import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'

import { BEHAVIOURS } from '../support/redshift/behaviours.ts'
import type { ConformanceCase } from './redshift/case.ts'
import { COPY_CASES } from './redshift/copy-cases.ts'
import { LANGUAGE_CASES } from './redshift/language-cases.ts'
import { realPlace, testServerPlace, type Place } from './redshift/place.ts'
import { check, readCase, type Reading } from './redshift/run-case.ts'
import { TABLE_CASES } from './redshift/table-cases.ts'
import { TRANSACTION_CASES } from './redshift/transaction-cases.ts'

const CASES: readonly ConformanceCase[] = [
  ...LANGUAGE_CASES,
  ...TABLE_CASES,
  ...TRANSACTION_CASES,
  ...COPY_CASES,
]
const READINGS = 'build/redshift-readings.json'

runOn('the Redshift-shaped server', () => testServerPlace())
if (process.env['REDSHIFT_TEST_URL']) {
  runOn('a real cluster', async () => {
    const place = await realPlace(process.env)
    assert.ok(place, 'REDSHIFT_TEST_S3_URI and REDSHIFT_TEST_IAM_ROLE are needed, too')
    return place
  })
}

function runOn(name: string, open: () => Promise<Place>): void {
  describe(`on ${name}`, () => {
    const readings: Reading[] = []
    let place: Place

    before(async () => {
      place = await open()
    })

    after(async () => {
      await write(place, readings)
      await place[Symbol.asyncDispose]()
    })

    for (const [number, one] of CASES.entries()) {
      const title = `${one.id}: ${BEHAVIOURS[one.id].what} (${shortened(one.sql.at(-1)!)})`
      test(title, async () => {
        const reading = await readCase(place, one, number)
        readings.push(reading)
        check(one, reading)
      })
    }
  })
}

function shortened(sql: string): string {
  return sql.length > 60 ? `${sql.slice(0, 60)}…` : sql
}

async function write(place: Place, readings: readonly Reading[]): Promise<void> {
  const { rows } = await place.client.query<Record<string, string>>(
    `SELECT version() AS version, isolation_level AS isolation FROM stv_db_isolation_level
     WHERE db_name = current_database()`,
  )
  const { isReal } = place
  const facts = { isReal, ...rows[0], readAt: new Date().toISOString(), readings }
  mkdirSync('build', { recursive: true })
  writeFileSync(READINGS, `${JSON.stringify(facts, null, 2)}\n`)
}

import { after } from 'node:test'

import { targetContract } from '../contract/target.ts'
import { DuckdbPlace } from '../support/duckdb-place.ts'

const places: DuckdbPlace[] = []

targetContract('DuckDB', async () => {
  const place = await DuckdbPlace.make()
  places.push(place)
  return place
})

after(async () => {
  for (const place of places) await place[Symbol.asyncDispose]()
})

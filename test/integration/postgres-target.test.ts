import { after } from 'node:test'

import { FAULT_POINTS } from '../../src/targets/postgres/session.ts'
import { targetContract } from '../contract/target.ts'
import { PostgresPlace } from '../support/postgres-place.ts'

const places: PostgresPlace[] = []

targetContract(
  'PostgreSQL',
  async () => {
    const place = await PostgresPlace.make()
    places.push(place)
    return place
  },
  { faultPoints: FAULT_POINTS },
)

after(async () => {
  for (const place of places) await place[Symbol.asyncDispose]()
})

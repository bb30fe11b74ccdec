/** The contract, on a server in the shape of Redshift. REAL REDSHIFT: NOT TESTED. */

import { after } from 'node:test'

import { FAULT_POINTS } from '../../src/targets/redshift/session.ts'
import { targetContract } from '../contract/target.ts'
import { RedshiftPlace } from '../support/redshift-place.ts'

const places: RedshiftPlace[] = []

for (const isolation of ['snapshot', 'serializable'] as const) {
  let place: Promise<RedshiftPlace> | null = null
  targetContract(
    `Redshift (${isolation}, a server in its shape)`,
    async () => {
      place ??= RedshiftPlace.make({ isolation })
      const ready = await place
      if (!places.includes(ready)) places.push(ready)
      await ready.empty()
      return ready
    },
    { faultPoints: FAULT_POINTS },
  )
}

after(async () => {
  for (const place of places) await place[Symbol.asyncDispose]()
})

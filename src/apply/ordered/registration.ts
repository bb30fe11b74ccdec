/** Tells the lake what an ordered consumer still needs of it: see `apply/registration.ts`. */

import { Registration, type RegistrationParts } from '../registration.ts'
import { neededAbove, type OrderedPlace } from './place.ts'

export class OrderedRegistration {
  readonly #registration: Registration

  constructor({ consumer, registry, clock }: RegistrationParts) {
    this.#registration = new Registration({ consumer, registry, clock })
  }

  /** Must be awaited before the ledger becomes this one. */
  before(place: OrderedPlace): Promise<void> {
    return this.#registration.before(ledgerOf(place))
  }

  keepUp(place: OrderedPlace): Promise<void> {
    return this.#registration.keepUp(ledgerOf(place))
  }
}

/** What is needed is one number, and that of a ledger without stragglers is its own. */
function ledgerOf(place: OrderedPlace) {
  const n = neededAbove(place)
  return { n, epoch: place.epoch, v: 0, stragglers: new Map(), tables: new Map() }
}

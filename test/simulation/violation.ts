/** What a history may never show. The code says which promise was broken. */

export type ViolationCode =
  | 'dense' // a number of the log was skipped or written twice
  | 'order' // `order` went back, or no tick was left for loads
  | 'to' // the end of the log went back, or stands where no transaction ends
  | 'twice' // a change is in the log twice, or where none is
  | 'missing' // a change is not in the log, or the log says that it is
  | 'confirm' // the source may forget what is not durable
  | 'data' // a manifest names what is not there
  | 'load' // a load has not the tick that was left for it
  | 'atomic' // a table of the target is not the source at the ledger's place
  | 'suspended' // a table failed that has no fault
  | 'asked' // a request for a load was dropped that nothing had answered
  | 'failed' // a process ended by an error that nobody can have caused
  | 'stuck' // everybody works, and rest is never reached
  | 'view' // the files alone, by `order`, do not give the source

export class Violation extends Error {
  override readonly name = 'Violation'
  readonly code: ViolationCode

  constructor(code: ViolationCode, text: string) {
    super(`${code}: ${text}`)
    this.code = code
  }
}

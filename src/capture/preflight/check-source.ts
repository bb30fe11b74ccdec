/** Whether a source can be replicated, asked before anything is made, there or anywhere else. */

import type { Examined } from '../postgres/postgres-source.ts'
import { refuse, type Finding } from './finding.ts'
import { findingsOf, blocking } from './preflight.ts'

export interface CheckedSource {
  readonly systemId: string
  readonly database: string
  /** What does not keep us from starting. */
  readonly warnings: readonly Finding[]
}

/** Rejects with everything that stands in the way. */
export async function checkSource(source: {
  examine(): Promise<Examined>
}): Promise<CheckedSource> {
  const { checks, facts, system } = await source.examine()
  const findings = findingsOf(checks)
  refuse(blocking(findings, { isMade: facts.slot !== null, hasBegun: false }))
  const warnings = findings.filter(({ severity }) => severity === 'warning')
  // Whoever may replicate may ask, and whoever may not was refused.
  return { systemId: system!.systemId, database: facts.server.database, warnings }
}

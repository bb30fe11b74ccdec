/** Where we know of a behaviour from. */

export type Provenance = 'doc' | 'live' | 'assumed'

export interface Behaviour {
  readonly provenance: Provenance
  /** The page, or the project that saw it. */
  readonly source: string
  readonly what: string
}

export function doc(source: string, what: string): Behaviour {
  return { provenance: 'doc', source, what }
}

export function live(source: string, what: string): Behaviour {
  return { provenance: 'live', source, what }
}

export function assumed(what: string): Behaviour {
  return { provenance: 'assumed', source: '', what }
}

/** The version of this installation, as its package.json has it. */

import { existsSync, readFileSync } from 'node:fs'

/** The file is at another distance from the sources than from what is built of them. */
const CANDIDATES = ['../../package.json', '../../../package.json']

export function readVersion(): string {
  for (const candidate of CANDIDATES) {
    const file = new URL(candidate, import.meta.url)
    if (!existsSync(file)) continue
    const content: unknown = JSON.parse(readFileSync(file, 'utf8'))
    if (typeof content !== 'object' || content === null || !('version' in content)) continue
    return String(content.version)
  }
  return 'unknown'
}

/** The version of this installation, as its package.json has it. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { packageRoot } from './package-root.ts'

export function readVersion(): string {
  const content: unknown = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8'))
  const isObject = typeof content === 'object' && content !== null
  return isObject && 'version' in content ? String(content.version) : 'unknown'
}

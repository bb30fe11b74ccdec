/** A folder that is gone when the process of the test ends. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Its path has a blank, since those of users do. */
export function temporaryFolder(about: string): string {
  const path = mkdtempSync(join(tmpdir(), `millrace ${about} `))
  process.on('exit', () => rmSync(path, { recursive: true, force: true }))
  return path
}

/**
 * Whether a folder can be written, found out without writing.
 *
 * A folder that is not there yet is made in the nearest one that is, so that one is looked at.
 */

import { constants, existsSync } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

import { CodedError } from '../core/errors.ts'

/** Resolves to the folder that was looked at. Rejects with the code, naming it, if it will not do. */
export async function requireWritable(
  folder: string,
  code: 'LAKE_UNWRITABLE' | 'FILE_UNWRITABLE',
): Promise<string> {
  let nearest = folder
  while (!existsSync(nearest) && dirname(nearest) !== nearest) nearest = dirname(nearest)
  try {
    await access(nearest, constants.W_OK | constants.X_OK)
  } catch (cause) {
    throw new CodedError(code, `cannot write ${nearest}`, { cause })
  }
  if ((await stat(nearest)).isDirectory()) return nearest
  throw new CodedError(code, `cannot write ${folder}: ${nearest} is not a folder`)
}

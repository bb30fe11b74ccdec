/**
 * A folder for what can be made again: PostgreSQL's binaries, and data folders of servers whose own
 * place is out of their reach.
 *
 * It lies among the machine's temporary files, because a clone may lie where only root may enter
 * and PostgreSQL runs as somebody else then. Its name is known to everybody on the machine, so
 * it is used only if it belongs to us and nobody else can write there.
 */

import { chmod, lstat, mkdir, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { fail } from '../core/errors.ts'
import { mayEnter, type ServerUser } from './server-user.ts'

export async function cacheFolder(user: ServerUser | null): Promise<string> {
  const parents = [tmpdir(), '/tmp', '/var/tmp']
  const parent =
    parents.find((folder) => mayEnter(user, folder)) ??
    fail('PERMISSION_DENIED', `PostgreSQL's user can enter none of ${parents.join(', ')}`)
  const self = process.getuid?.() ?? 0
  const folder = join(parent, `millrace-cache-${self}`)
  await mkdir(folder, { recursive: true })
  const { uid, mode } = await lstat(folder)
  const isOurs = process.platform === 'win32' || (uid === self && (mode & 0o022) === 0)
  if (!isOurs) {
    fail('PERMISSION_DENIED', `${folder} does not belong to us alone`, {
      hint: 'remove it, or set TMPDIR to a folder of your own',
    })
  }
  await chmod(folder, 0o755)
  return folder
}

/**
 * Makes `folder` by `fill`, whole or not at all: it is filled under another name and then renamed.
 * Two processes may do so at once; what the slower one made is thrown away.
 */
export async function makeWhole(
  folder: string,
  fill: (draft: string) => Promise<void>,
): Promise<void> {
  const draft = `${folder}.draft-${process.pid}`
  await rm(draft, { recursive: true, force: true })
  await mkdir(draft, { recursive: true })
  try {
    await fill(draft)
    await rename(draft, folder)
  } catch (error) {
    await rm(draft, { recursive: true, force: true })
    if (!isTaken(error)) throw error
  }
}

function isTaken(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'ENOTEMPTY' || code === 'EEXIST'
}

/**
 * The folder of a server's data: where it is, how it begins, and the password inside.
 *
 * It appears whole or not at all, because `initdb` works on a draft that is then renamed: a process
 * that was killed half-way leaves nothing that looks like a database.
 */

import { createHash, randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, chown, mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'

import { fail } from '../core/errors.ts'
import { cacheFolder, makeWhole } from './cache-folder.ts'
import type { Binaries } from './postgres-binaries.ts'
import { initdb } from './postgres-process.ts'
import { mayEnter, type ServerUser } from './server-user.ts'

export interface Place {
  readonly dataDir: string
  /** It is not where it was asked to be, since the server's user cannot enter there. */
  readonly isRelocated: boolean
}

const PASSWORD_FILE = 'superuser-password'

/** Where the data goes; the same place every time for the same `wanted`. */
export async function placeOf(wanted: string, user: ServerUser | null): Promise<Place> {
  const parent = dirname(resolve(wanted))
  await mkdir(parent, { recursive: true })
  // The real path, because that is what the server's working directory is compared with.
  const dataDir = join(await realpath(parent), basename(wanted))
  if (mayEnter(user, parent)) return { dataDir, isRelocated: false }
  const cache = join(await realpath(await cacheFolder(user)), 'data')
  await mkdir(cache, { recursive: true, mode: 0o755 })
  await chmod(cache, 0o755)
  const id = createHash('sha256').update(dataDir).digest('hex').slice(0, 12)
  return { dataDir: join(cache, `${basename(wanted)}-${id}`), isRelocated: true }
}

interface DataFolder {
  readonly place: string
  readonly binaries: Binaries
  readonly user: ServerUser | null
  readonly isThrowaway: boolean
}

/** Makes the database if there is none, and returns the superuser's password. */
export async function openDataFolder(folder: DataFolder): Promise<string> {
  const { place, binaries } = folder
  if (!existsSync(join(place, 'PG_VERSION'))) await create(folder)
  const found = (await readFile(join(place, 'PG_VERSION'), 'utf8')).trim()
  const major = binaries.version.split('.', 1)[0]!
  if (found !== major) {
    fail('TARGET_FAILED', `${place} holds data of PostgreSQL ${found}, not ${major}`, {
      hint: 'start over with --fresh, or remove the folder',
    })
  }
  return (await readFile(join(place, PASSWORD_FILE), 'utf8')).trim()
}

async function create({ place, binaries, user, isThrowaway }: DataFolder): Promise<void> {
  const password = randomBytes(18).toString('hex')
  const scratch = await mkdtemp(join(await cacheFolder(user), 'initdb-'))
  try {
    const passwordFile = join(scratch, 'password')
    await writeSecret(passwordFile, password, user)
    if (user) await chown(scratch, user.uid, user.gid)
    await makeWhole(place, async (draft) => {
      await chmod(draft, 0o700)
      if (user) await chown(draft, user.uid, user.gid)
      const flags = ['--auth=scram-sha-256', '--encoding=UTF8', '--locale=C', '--username=postgres']
      if (isThrowaway) flags.push('--no-sync')
      initdb(binaries, user, ['-D', draft, `--pwfile=${passwordFile}`, ...flags])
      await writeSecret(join(draft, PASSWORD_FILE), password, user)
    })
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

async function writeSecret(path: string, text: string, user: ServerUser | null): Promise<void> {
  await writeFile(path, `${text}\n`, { mode: 0o600 })
  if (user) await chown(path, user.uid, user.gid)
}

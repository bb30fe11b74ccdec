/**
 * Who the embedded PostgreSQL runs as.
 *
 * PostgreSQL refuses to run as root. When we are root, as in most containers, it runs as an
 * unprivileged user of this machine; otherwise as ourselves. That user may not be able to enter the
 * folders that we can, which is found out by trying.
 */

import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

import { fail } from '../core/errors.ts'

export interface ServerUser {
  readonly uid: number
  readonly gid: number
}

/** `null`: as ourselves. */
export function serverUser(): ServerUser | null {
  if (process.getuid?.() !== 0) return null
  const passwd = readFileSync('/etc/passwd', 'utf8')
  return (
    findUser(passwd, 'postgres') ??
    findUser(passwd, 'nobody') ??
    fail('PERMISSION_DENIED', 'PostgreSQL cannot run as root, and this machine has no other user', {
      hint: 'create the user `nobody` or `postgres`, or start this as an ordinary user',
    })
  )
}

/** Looks a user up in the text of /etc/passwd. Root under another name does not count. */
export function findUser(passwd: string, name: string): ServerUser | null {
  for (const line of passwd.split('\n')) {
    const [user, , uid, gid] = line.split(':')
    if (user !== name || uid === undefined || gid === undefined) continue
    // Some systems write -2 for nobody, which the kernel takes as an unsigned number.
    const found = { uid: Number(uid) >>> 0, gid: Number(gid) >>> 0 }
    if (found.uid !== 0) return found
  }
  return null
}

/** Whether the user can go into an existing folder. Only trying tells: there may be more than mode bits. */
export function mayEnter(user: ServerUser | null, folder: string): boolean {
  if (user === null) return true
  const tried = spawnSync('/bin/sh', ['-c', 'cd -- "$1"', 'sh', folder], {
    ...user,
    cwd: '/',
    stdio: 'ignore',
  })
  return tried.status === 0
}

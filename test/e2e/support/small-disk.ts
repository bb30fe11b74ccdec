/** A disk of a given size, where we may mount one: as root, in memory. */

import { execFile } from 'node:child_process'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const execute = promisify(execFile)

export interface SmallDisk extends AsyncDisposable {
  readonly path: string
  /** Leaves no byte free. */
  fill(): Promise<void>
  resize(size: string): Promise<void>
}

/** `null` where nothing can be mounted. */
export async function smallDisk(size: string): Promise<SmallDisk | null> {
  if (process.getuid?.() !== 0) return null
  const path = await mkdtemp(join(tmpdir(), 'millrace disk '))
  try {
    await execute('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', path])
  } catch {
    await rm(path, { recursive: true })
    return null
  }
  return {
    path,
    fill: () => fill(join(path, 'filler')),
    resize: async (to) => void (await execute('mount', ['-o', `remount,size=${to}`, path])),
    async [Symbol.asyncDispose]() {
      await execute('umount', [path])
      await rm(path, { recursive: true })
    },
  }
}

async function fill(file: string): Promise<void> {
  await using handle = await open(file, 'w')
  const page = Buffer.alloc(4096)
  try {
    for (;;) await handle.writeFile(page)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error
  }
}

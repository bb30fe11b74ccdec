/**
 * Disks of memory for the spools of all captures. Imported before anything that uses files.
 *
 * A real disk answers whenever it likes, and a history must follow from its seed alone. Paths that
 * begin with the name of a mounted disk go to it, all others to the real one. One that has no room is
 * full for ever, as far as a history is concerned.
 */

import fs from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'

export class MemoryDisk {
  readonly #files = new Map<string, Buffer[]>()
  #room: number

  constructor(room: number) {
    this.#room = room
  }

  list(folder: string): string[] {
    return [...this.#files.keys()].map((path) => path.slice(folder.length + 1))
  }

  open(path: string) {
    const pieces: Buffer[] = []
    this.#files.set(path, pieces)
    return {
      appendFile: (piece: Buffer) => {
        this.#room -= piece.length
        if (this.#room < 0) {
          return Promise.reject(Object.assign(new Error('no space left'), { code: 'ENOSPC' }))
        }
        pieces.push(Buffer.from(piece))
        return Promise.resolve()
      },
      read: (into: Buffer, at: number, length: number, from: number) => {
        const bytesRead = Buffer.concat(pieces).copy(into, at, from, from + length)
        return Promise.resolve({ bytesRead })
      },
      close: () => Promise.resolve(),
    }
  }

  remove(path: string): void {
    for (const piece of this.#files.get(path) ?? []) this.#room += piece.length
    this.#files.delete(path)
  }
}

const mounted = new Map<string, MemoryDisk>()

export function mount(name: string, disk: MemoryDisk): void {
  mounted.set(name, disk)
}

function diskOf(path: unknown): MemoryDisk | null {
  return mounted.get(String(path).split('/', 1)[0]!) ?? null
}

const { mkdir, open, readdir, rm } = fs

Object.assign(fs, {
  mkdir: (path: string, ...rest: []) => (diskOf(path) ? Promise.resolve() : mkdir(path, ...rest)),
  readdir: (path: string, ...rest: []) => {
    const disk = diskOf(path)
    return disk ? Promise.resolve(disk.list(path)) : readdir(path, ...rest)
  },
  open: (path: string, ...rest: []) => {
    const disk = diskOf(path)
    return disk ? Promise.resolve(disk.open(path)) : open(path, ...rest)
  },
  rm: (path: string, ...rest: []) => {
    const disk = diskOf(path)
    return disk ? Promise.resolve(disk.remove(path)) : rm(path, ...rest)
  },
})
syncBuiltinESMExports()

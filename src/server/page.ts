/**
 * The files of the built dashboard, kept in memory.
 *
 * They are a handful and never change while we run. A path is looked up in a map of what was read at
 * the start, so no request can name a file that is not one of them.
 */

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { extname, join, relative, sep } from 'node:path'

import type { MiddlewareHandler } from 'hono'

interface PageFile {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly type: string
  readonly cache: string
}

export type Page = ReadonlyMap<string, PageFile>

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** By path of the URL. Empty if the dashboard was not built. */
export function readPage(dir: string | null): Page {
  const page = new Map<string, PageFile>()
  if (dir === null || !existsSync(dir)) return page
  for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true })) {
    const type = TYPES[extname(entry.name)]
    if (!entry.isFile() || type === undefined) continue
    const file = join(entry.parentPath, entry.name)
    const path = `/${relative(dir, file).split(sep).join('/')}`
    // Names under assets/ hold a hash of the content.
    const cache = path.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache'
    page.set(path, { bytes: new Uint8Array(readFileSync(file)), type, cache })
  }
  return page
}

export function servePage(page: Page): MiddlewareHandler {
  return (c) => {
    const file = page.get(c.req.path === '/' ? '/index.html' : c.req.path)
    if (file === undefined) return Promise.resolve(c.notFound())
    const headers = { 'Content-Type': file.type, 'Cache-Control': file.cache }
    return Promise.resolve(c.body(file.bytes, 200, headers))
  }
}

/** Lets in whoever knows the token, and nobody else. */

import { createHash, timingSafeEqual } from 'node:crypto'

import type { MiddlewareHandler } from 'hono'

const BEARER = /^Bearer +(\S+)$/i

/** `null` lets everybody in. */
export function requireToken(token: string | null): MiddlewareHandler {
  if (token === null) return (_, next) => next()
  const expected = digest(token)
  return async (c, next) => {
    const [, given = ''] = BEARER.exec(c.req.header('Authorization') ?? '') ?? []
    // Digests have one length, so the comparison takes one time, whatever was given.
    if (timingSafeEqual(digest(given), expected)) return next()
    c.header('WWW-Authenticate', 'Bearer realm="millrace"')
    return c.json({ error: 'this needs the token of server.token' }, 401)
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

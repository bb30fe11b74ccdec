/** What TLS needs to know about a connection, with its files read. */

import { readFileSync } from 'node:fs'
import type { ConnectionOptions } from 'node:tls'

import { CodedError } from '../core/errors.ts'
import type { TlsWish } from './address.ts'
import { foreignCode } from './sqlstate.ts'

/** `false`: none. Files are read for every connection, since certificates are renewed. */
export function tlsOptions(wish: TlsWish): ConnectionOptions | false {
  const { mode, rootCert, cert, key, keyPassword } = wish
  if (mode === 'off') return false
  return {
    rejectUnauthorized: mode !== 'unverified',
    ...(mode === 'ca' && { checkServerIdentity: () => undefined }),
    ...(rootCert !== undefined && { ca: read('sslrootcert', rootCert) }),
    ...(cert !== undefined && { cert: read('sslcert', cert) }),
    ...(key !== undefined && { key: read('sslkey', key) }),
    ...(keyPassword !== undefined && { passphrase: keyPassword }),
  }
}

function read(parameter: string, path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const why = foreignCode(error) ?? String(error)
    throw new CodedError('TLS_FAILED', `${parameter}: the file ${path} cannot be read (${why})`, {
      cause: error,
      hint: `check the path and the mode of ${path}`,
    })
  }
}

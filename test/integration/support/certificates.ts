/** Keys and certificates of an authority of one's own, made by openssl, in a folder that the server can read. */

import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, chownSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'

import { serverUser } from '../../../src/demo/server-user.ts'

export const HAS_OPENSSL = spawnSync('openssl', ['version']).status === 0

export class Certificates implements AsyncDisposable {
  readonly folder: string

  private constructor(folder: string) {
    this.folder = folder
  }

  /** Short, since the path of a socket has to be: `/tmp/millrace-tls-…`. */
  static async make(): Promise<Certificates> {
    const made = new Certificates(await mkdtemp('/tmp/millrace-tls-'))
    made.#giveToServer('')
    chmodSync(made.folder, 0o755)
    return made
  }

  path(name: string): string {
    return join(this.folder, name)
  }

  /** `name.pem` and `name.key`. */
  authority(name: string): void {
    this.#openssl(['req', '-x509', ...this.#key(name), '-out', `${name}.pem`, '-days', '2'], name)
    this.#giveToServer(`${name}.pem`)
  }

  /** A certificate that `authority` has signed; `host` is the only one that it is for. */
  signed(name: string, { authority, host }: { authority: string; host?: string }): void {
    this.#openssl(['req', ...this.#key(name), '-out', `${name}.csr`], name)
    writeFileSync(this.path(`${name}.ext`), host ? `subjectAltName=DNS:${host}\n` : '\n')
    const by = ['-CA', `${authority}.pem`, '-CAkey', `${authority}.key`, '-CAcreateserial']
    const request = ['x509', '-req', '-in', `${name}.csr`, '-extfile', `${name}.ext`, '-days', '2']
    execFileSync('openssl', [...request, ...by, '-out', `${name}.pem`], this.#quietly)
    for (const file of [`${name}.pem`, `${name}.key`]) this.#giveToServer(file)
  }

  /** A file that the server may read. */
  write(name: string, text: string): string {
    writeFileSync(this.path(name), text, { mode: 0o600 })
    this.#giveToServer(name)
    return this.path(name)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true })
  }

  #openssl(args: readonly string[], commonName: string): void {
    execFileSync('openssl', [...args, '-subj', `/CN=${commonName}`], this.#quietly)
  }

  #key(name: string): readonly string[] {
    return ['-newkey', 'rsa:2048', '-nodes', '-keyout', `${name}.key`]
  }

  get #quietly(): { readonly cwd: string; readonly stdio: 'ignore' } {
    return { cwd: this.folder, stdio: 'ignore' }
  }

  #giveToServer(name: string): void {
    const user = serverUser()
    if (user) chownSync(this.path(name), user.uid, user.gid)
  }
}

/** Tokens for RDS, made by a signer of ours. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { hasCode } from '../../../src/core/errors.ts'
import { parseAddress } from '../../../src/postgres/address.ts'
import { rdsToken, type SignerPackage } from '../../../src/postgres/rds-iam.ts'

const HOST = 'shop.abc123.eu-west-1.rds.amazonaws.com'
const ADDRESS = parseAddress(`postgres://millrace@${HOST}/shop`, {})

/** A token says what it was made from. */
const packageOf = (fault?: Error): SignerPackage => ({
  Signer: class {
    readonly #options: object
    constructor(options: object) {
      this.#options = options
    }
    async getAuthToken(): Promise<string> {
      if (fault) throw fault
      return JSON.stringify(this.#options)
    }
  },
})

describe('a token for RDS', () => {
  test('is made for host, port, user and region', async () => {
    const password = rdsToken(async () => packageOf())
    assert.deepEqual(JSON.parse(await password(ADDRESS)), {
      hostname: HOST,
      port: 5432,
      username: 'millrace',
      region: 'eu-west-1',
    })
  })

  test('leaves the region to the environment where the host does not name it', async () => {
    const password = rdsToken(async () => packageOf())
    const made: unknown = JSON.parse(await password({ ...ADDRESS, host: 'db.example' }))
    assert.deepEqual(made, { hostname: 'db.example', port: 5432, username: 'millrace' })
  })

  test('needs a user', async () => {
    const password = rdsToken(async () => packageOf())
    await assert.rejects(password({ ...ADDRESS, user: undefined }), (error) =>
      hasCode(error, 'CONFIG_INVALID'),
    )
  })

  test('needs credentials, and says so', async () => {
    const password = rdsToken(async () => packageOf(new Error('Could not load credentials')))
    await assert.rejects(
      password(ADDRESS),
      (error) =>
        hasCode(error, 'LOGIN_FAILED') &&
        error.message.includes('Could not load credentials') &&
        error.hint!.includes('rds-db:connect'),
    )
  })
})

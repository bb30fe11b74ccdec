/** What AWS is asked for, and what becomes of its answers. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { parseAddress } from '../../../../src/postgres/address.ts'
import { clusterCredentials } from '../../../../src/targets/redshift/iam-cluster.ts'
import { serverlessCredentials } from '../../../../src/targets/redshift/iam-serverless.ts'
import { iamLogin } from '../../../../src/targets/redshift/iam.ts'

/** A client that keeps what it was made of and asked for. */
function client(seen: unknown[], answer: object) {
  return class {
    constructor(options: object) {
      seen.push(options)
    }
    send(command: object): Promise<object> {
      seen.push(command)
      return Promise.resolve(answer)
    }
  }
}

class Command {
  readonly input: object
  constructor(input: object) {
    this.input = input
  }
}

const CLUSTER = 'postgres://shop.abc123.eu-west-1.redshift.amazonaws.com/dev'
const SERVERLESS = 'postgres://etl.123456789012.eu-west-1.redshift-serverless.amazonaws.com/dev'

function login(seen: unknown[], answer: object = {}) {
  return iamLogin({
    cluster: (endpoint) =>
      clusterCredentials(endpoint, () =>
        Promise.resolve({
          RedshiftClient: client(seen, { DbUser: 'IAM:me', DbPassword: 'p', ...answer }),
          GetClusterCredentialsWithIAMCommand: Command,
        }),
      ),
    serverless: (endpoint) =>
      serverlessCredentials(endpoint, () =>
        Promise.resolve({
          RedshiftServerlessClient: client(seen, { dbUser: 'IAMR:role', dbPassword: 'q' }),
          GetCredentialsCommand: Command,
        }),
      ),
  })
}

describe('logging in to Redshift by IAM', () => {
  test('asks for credentials of the cluster, and uses both as they come', async () => {
    const seen: unknown[] = []
    const credentials = await login(seen)(parseAddress(CLUSTER, {}))
    assert.deepEqual(credentials, { user: 'IAM:me', password: 'p' })
    const input = { ClusterIdentifier: 'shop', DbName: 'dev' }
    assert.deepEqual(seen, [{ region: 'eu-west-1' }, new Command(input)])
  })

  test('asks for credentials of the workgroup', async () => {
    const seen: unknown[] = []
    const credentials = await login(seen)(parseAddress(SERVERLESS, {}))
    assert.deepEqual(credentials, { user: 'IAMR:role', password: 'q' })
    const input = { workgroupName: 'etl', dbName: 'dev' }
    assert.deepEqual(seen, [{ region: 'eu-west-1' }, new Command(input)])
  })

  test('needs the name that AWS gave the endpoint', async () => {
    const address = parseAddress('postgres://warehouse.example.com/dev', {})
    await assert.rejects(login([])(address), { code: 'CONFIG_INVALID' })
  })

  test('fails as a login if there are no credentials', async () => {
    const nobody = login([], { DbUser: undefined })
    await assert.rejects(nobody(parseAddress(CLUSTER, {})), { code: 'LOGIN_FAILED' })
    const denied = iamLogin({
      cluster: () => Promise.reject(new Error('AccessDenied')),
      serverless: () => Promise.reject(new Error('AccessDenied')),
    })
    await assert.rejects(denied(parseAddress(SERVERLESS, {})), {
      code: 'LOGIN_FAILED',
      message: 'AWS made no password for etl: AccessDenied',
    })
  })
})

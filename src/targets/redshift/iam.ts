/**
 * Logging in to Redshift by IAM: AWS makes up user and password, for a quarter of an hour, and both
 * have to be used as they come. What to ask for stands in the name of the endpoint.
 *
 *   shop.abc123xyz.eu-west-1.redshift.amazonaws.com                     a cluster
 *   shop.123456789012.eu-west-1.redshift-serverless.amazonaws.com       a workgroup
 */

import { CodedError, fail } from '../../core/errors.ts'
import type { MakeLogin } from '../../postgres/connect.ts'
import { clusterCredentials } from './iam-cluster.ts'
import { serverlessCredentials } from './iam-serverless.ts'

export interface Endpoint {
  /** Of the cluster, or of the workgroup. */
  readonly id: string
  readonly region: string
  readonly database: string | undefined
}

export interface Credentials {
  readonly user: string | undefined
  readonly password: string | undefined
}

type Ask = (endpoint: Endpoint) => Promise<Credentials>

const ENDPOINT =
  /^([^.]+)\.[^.]+\.([a-z]{2}[a-z0-9-]*-\d)\.(redshift|redshift-serverless)\.amazonaws\.com(\.cn)?$/i

export function iamLogin(
  asks: { readonly cluster: Ask; readonly serverless: Ask } = {
    cluster: clusterCredentials,
    serverless: serverlessCredentials,
  },
): MakeLogin {
  return async ({ host, database }) => {
    const [, id, region, service] = ENDPOINT.exec(host) ?? []
    if (id === undefined || region === undefined) {
      return fail('CONFIG_INVALID', `auth: iam needs the endpoint that AWS gave it, not ${host}`)
    }
    const ask = service?.toLowerCase() === 'redshift' ? asks.cluster : asks.serverless
    const { user, password } = await credentials(() => ask({ id, region, database }), id)
    if (user !== undefined && password !== undefined) return { user, password }
    return fail('LOGIN_FAILED', `AWS gave no user and password for ${id}`)
  }
}

async function credentials(ask: () => Promise<Credentials>, id: string): Promise<Credentials> {
  try {
    return await ask()
  } catch (cause) {
    if (cause instanceof CodedError) throw cause
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new CodedError('LOGIN_FAILED', `AWS made no password for ${id}: ${why}`, {
      cause,
      hint: 'allow this process redshift:GetClusterCredentialsWithIAM, or redshift-serverless:GetCredentials',
    })
  }
}

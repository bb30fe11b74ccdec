/**
 * Logging in to RDS and Aurora without a password: a token, made for each connection, in its place.
 *
 * A token is valid for a quarter of an hour and only for logging in. `@aws-sdk/rds-signer` is an
 * optional peer that is loaded when the first token is made; it signs with whatever credentials the
 * AWS SDK finds, without a request to anybody.
 *
 * https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.html
 */

import { CodedError, fail } from '../core/errors.ts'
import { regionOf, type Address } from './address.ts'

interface SignerOptions {
  readonly hostname: string
  readonly port: number
  readonly username: string
  readonly region?: string
}

/** The part of the package that is used here. */
export interface SignerPackage {
  readonly Signer: new (options: SignerOptions) => { getAuthToken(): Promise<string> }
}

export type MakePassword = (address: Address) => Promise<string>

export function rdsToken(load: () => Promise<SignerPackage> = loadPackage): MakePassword {
  return async ({ host, port, user }) => {
    if (user === undefined) {
      return fail('CONFIG_INVALID', 'source.auth is rds-iam, and the url of the source has no user')
    }
    const { Signer } = await load()
    const region = regionOf(host)
    const options = { hostname: host, port, username: user, ...(region !== null && { region }) }
    try {
      return await new Signer(options).getAuthToken()
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause)
      throw new CodedError('LOGIN_FAILED', `no token could be made for ${user}: ${why}`, {
        cause,
        hint: 'give this process AWS credentials that allow rds-db:connect, and AWS_REGION if the host is not named *.rds.amazonaws.com',
      })
    }
  }
}

/** Not always installed, so its types are not known to the compiler. */
const PACKAGE: string = '@aws-sdk/rds-signer'

async function loadPackage(): Promise<SignerPackage> {
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what its documentation says
    return (await import(PACKAGE)) as SignerPackage
  } catch (cause) {
    throw new CodedError('PACKAGE_MISSING', `source.auth: rds-iam needs the package ${PACKAGE}`, {
      cause,
      hint: `run: npm install ${PACKAGE}`,
    })
  }
}

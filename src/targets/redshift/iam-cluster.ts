/**
 * A user and a password for a moment, of a provisioned cluster: the only file that loads
 * `@aws-sdk/client-redshift`.
 *
 * https://docs.aws.amazon.com/redshift/latest/APIReference/API_GetClusterCredentialsWithIAM.html
 */

import { CodedError } from '../../core/errors.ts'
import type { Credentials, Endpoint } from './iam.ts'

interface Answer {
  readonly DbUser?: string
  readonly DbPassword?: string
}

/** The part of the package that is used here. */
export interface ClusterPackage {
  readonly RedshiftClient: new (options: { readonly region: string }) => {
    send(command: object): Promise<Answer>
  }
  readonly GetClusterCredentialsWithIAMCommand: new (input: {
    readonly ClusterIdentifier: string
    readonly DbName?: string
  }) => object
}

export async function clusterCredentials(
  { id, region, database }: Endpoint,
  load: () => Promise<ClusterPackage> = loadPackage,
): Promise<Credentials> {
  const { RedshiftClient, GetClusterCredentialsWithIAMCommand } = await load()
  const answer = await new RedshiftClient({ region }).send(
    new GetClusterCredentialsWithIAMCommand({
      ClusterIdentifier: id,
      ...(database !== undefined && { DbName: database }),
    }),
  )
  return { user: answer.DbUser, password: answer.DbPassword }
}

/** Not always installed, so its types are not known to the compiler. */
const PACKAGE: string = '@aws-sdk/client-redshift'

async function loadPackage(): Promise<ClusterPackage> {
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what its documentation says
    return (await import(PACKAGE)) as ClusterPackage
  } catch (cause) {
    throw new CodedError('PACKAGE_MISSING', `auth: iam of a cluster needs the package ${PACKAGE}`, {
      cause,
      hint: `run: npm install ${PACKAGE}`,
    })
  }
}

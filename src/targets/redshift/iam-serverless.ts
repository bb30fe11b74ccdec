/**
 * A user and a password for a moment, of a workgroup of Serverless: the only file that loads
 * `@aws-sdk/client-redshift-serverless`.
 *
 * https://docs.aws.amazon.com/redshift-serverless/latest/APIReference/API_GetCredentials.html
 */

import { CodedError } from '../../core/errors.ts'
import type { Credentials, Endpoint } from './iam.ts'

interface Answer {
  readonly dbUser?: string
  readonly dbPassword?: string
}

/** The part of the package that is used here. */
export interface ServerlessPackage {
  readonly RedshiftServerlessClient: new (options: { readonly region: string }) => {
    send(command: object): Promise<Answer>
  }
  readonly GetCredentialsCommand: new (input: {
    readonly workgroupName: string
    readonly dbName?: string
  }) => object
}

export async function serverlessCredentials(
  { id, region, database }: Endpoint,
  load: () => Promise<ServerlessPackage> = loadPackage,
): Promise<Credentials> {
  const { RedshiftServerlessClient, GetCredentialsCommand } = await load()
  const answer = await new RedshiftServerlessClient({ region }).send(
    new GetCredentialsCommand({
      workgroupName: id,
      ...(database !== undefined && { dbName: database }),
    }),
  )
  return { user: answer.dbUser, password: answer.dbPassword }
}

/** Not always installed, so its types are not known to the compiler. */
const PACKAGE: string = '@aws-sdk/client-redshift-serverless'

async function loadPackage(): Promise<ServerlessPackage> {
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what its documentation says
    return (await import(PACKAGE)) as ServerlessPackage
  } catch (cause) {
    throw new CodedError(
      'PACKAGE_MISSING',
      `auth: iam of Serverless needs the package ${PACKAGE}`,
      {
        cause,
        hint: `run: npm install ${PACKAGE}`,
      },
    )
  }
}

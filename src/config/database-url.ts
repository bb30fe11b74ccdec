/** How a PostgreSQL server is named in a configuration: the url, and how to log in. */

import { z } from 'zod'

/** `about` says which database it is. */
export function databaseUrl(about: string): z.ZodString {
  return (
    z
      .string()
      .refine((url) => /^postgres(ql)?:\/\//.test(url), {
        error: 'expected postgres://user@host:5432/database, or a reference to it such as env:NAME',
        abort: true,
      })
      // A url may have a user and no host, but not by the standard.
      .refine((url) => URL.canParse(url.replace(/@(?=$|[:/?])/, '@localhost')), {
        error:
          'is not a valid url; in passwords, characters such as # / ? @ must be percent-encoded',
      })
      .meta({ secret: true })
      .describe(about)
  )
}

export function databaseAuth(): z.ZodDefault<
  z.ZodEnum<{ password: 'password'; 'rds-iam': 'rds-iam' }>
> {
  return z
    .enum(['password', 'rds-iam'])
    .default('password')
    .describe(
      'How to log in. `rds-iam` makes a token for every connection, in place of the password: ' +
        'for RDS and Aurora, with the package `@aws-sdk/rds-signer` installed. The host has to be ' +
        'the name that AWS gave it.',
    )
}

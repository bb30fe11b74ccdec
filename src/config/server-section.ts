/** The section `server`: where health, metrics and the dashboard are served, and to whom. */

import { z } from 'zod'

const LISTEN = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]*)):(\d{1,5})$/

export interface Listen {
  readonly host: string
  readonly port: number
}

/** `host:port` taken apart; no host, as in `:7070`, means every interface. */
export function parseListen(text: string): Listen | null {
  const [, bracketed, plain, digits] = LISTEN.exec(text) ?? []
  const port = Number(digits)
  if (digits === undefined || port > 65_535) return null
  return { host: bracketed ?? (plain || '0.0.0.0'), port }
}

/** Whether only programs on this machine can connect to the host. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
}

export const serverSection = z
  .strictObject({
    listen: z
      .string()
      .transform((text, context) => {
        const listen = parseListen(text)
        if (listen !== null) return listen
        context.addIssue({ code: 'custom', message: 'expected host:port, such as 127.0.0.1:7070' })
        return z.NEVER
      })
      .prefault('127.0.0.1:7070')
      .describe('Host and port. Port 0 takes any free one.'),
    token: z
      .string()
      // It travels in a header of HTTP.
      .regex(/^[\x21-\x7e]+$/, 'a token has only letters, digits and signs of ASCII, and no spaces')
      .meta({ secret: true })
      .optional()
      .describe(
        'Who asks must show this token. Best as a reference (`env:NAME` or `file:PATH`). It is ' +
          'required when other machines can connect.',
      ),
  })
  .refine(({ listen, token }) => token !== undefined || isLoopback(listen.host), {
    error: 'is required, because other machines can connect to server.listen',
    path: ['token'],
  })
  .nullable()
  .prefault({})
  .describe(
    'Health, metrics, the API and the dashboard over HTTP. `status` and `tables` ask it. Write ' +
      '`server: null` to have none.',
  )

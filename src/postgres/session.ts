/**
 * The settings of a session that we never leave to the server.
 *
 * The text of values must be the same in a load, in the stream and in a comparison, and a time limit
 * that somebody set for his users must not end a load of a day. Database and role may have settings
 * of their own for all of these; those of the session win, also in a walsender, whose output
 * functions write the stream.
 */

import { quoteLiteral } from './quote.ts'

/** https://www.postgresql.org/docs/current/runtime-config-client.html */
const SETTINGS: Readonly<Record<string, string>> = {
  // The first one, because it cuts off those that follow.
  statement_timeout: '0',
  standard_conforming_strings: 'on',
  lock_timeout: '0',
  idle_in_transaction_session_timeout: '0',
  default_transaction_read_only: 'off',
  default_transaction_isolation: 'read committed',
  default_transaction_deferrable: 'off',

  // How values are written.
  client_encoding: 'UTF8',
  DateStyle: 'ISO, MDY',
  IntervalStyle: 'postgres',
  TimeZone: 'UTC',
  extra_float_digits: '3',
  bytea_output: 'hex',
  // money: '$1,234.56'
  lc_monetary: 'C',
  // regclass and its like: quoted only where it is needed, and always with the schema.
  quote_all_identifiers: 'off',
  search_path: '',
}

/** Settings that not all versions have. */
const IF_KNOWN: Readonly<Record<string, string>> = {
  idle_session_timeout: '0', // 14
  transaction_timeout: '0', // 17
}

/** One round trip. A time limit counts for each statement by itself. */
export const SESSION = [
  ...Object.entries(SETTINGS).map(([name, value]) => `SET ${name} = ${quoteLiteral(value)}`),
  `SELECT set_config(name, value, false)
     FROM (VALUES ${pairs(IF_KNOWN)}) AS wanted (name, value)
    WHERE current_setting(name, true) IS NOT NULL`,
].join('; ')

function pairs(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([name, value]) => `(${quoteLiteral(name)}, ${quoteLiteral(value)})`)
    .join(', ')
}

/** COPY as a statement: its options, of which each is known by name or refused. */

import { refuse, SqlError, unknown } from './sql-error.ts'
import type { QualifiedName, Tokens } from './tokens.ts'

export interface CopyStatement {
  readonly table: QualifiedName
  readonly columns: readonly string[] | null
  readonly url: string
  readonly options: CopyOptions
}

export interface CopyOptions {
  isManifest: boolean
  isGzip: boolean
  isCsv: boolean
  delimiter: string
  nullAs: string
  emptyAsNull: boolean
  round: boolean
  truncate: boolean
  ignoreHeader: number
  hasRole: boolean
}

/** Everything behind `COPY`. */
export function copyStatement(tokens: Tokens): CopyStatement {
  const table = tokens.qualifiedName()
  const columns = tokens.isOp('(') ? tokens.names() : null
  if (tokens.isWord('to')) refuse('sql.no-stdin', 'COPY TO is not supported; use UNLOAD')
  tokens.expect('from')
  if (tokens.isWord('stdin')) refuse('sql.no-stdin', 'COPY FROM STDIN is not supported')
  const url = tokens.string()
  if (!url.startsWith('s3://')) unknown('a COPY from anything but s3://')
  const options: CopyOptions = {
    isManifest: false,
    isGzip: false,
    isCsv: false,
    delimiter: ',',
    nullAs: '\\N',
    emptyAsNull: false,
    round: false,
    truncate: false,
    ignoreHeader: 0,
    hasRole: false,
  }
  while (!tokens.isDone) option(tokens, options)
  if (!options.hasRole) {
    refuse('copy.iam', 'COPY needs credentials: IAM_ROLE is missing', '42601')
  }
  if (!options.isCsv) unknown('a COPY of anything but CSV')
  return { table, columns, url, options }
}

function option(tokens: Tokens, options: CopyOptions): void {
  const word = tokens.name()
  const known = OPTIONS[word]
  if (known === undefined)
    refuse('copy.options', `the option ${word.toUpperCase()} of COPY is not known here`)
  known(options, tokens)
}

const OPTIONS: Readonly<Record<string, (options: CopyOptions, tokens: Tokens) => void>> = {
  iam_role: (options, tokens) => {
    const isArn = tokens.peek()?.kind === 'string'
    const role = isArn ? tokens.string() : null
    if (role === null) tokens.expect('default')
    else if (!role.startsWith('arn:')) {
      throw new SqlError('Invalid IAM_ROLE', { code: 'XX000', hint: 'behaviour copy.iam' })
    }
    options.hasRole = true
  },
  region: (_, tokens) => void tokens.string(),
  manifest: (options) => void (options.isManifest = true),
  gzip: (options) => void (options.isGzip = true),
  format: (options, tokens) => {
    tokens.accept('as')
    tokens.expect('csv')
    options.isCsv = true
  },
  csv: (options) => void (options.isCsv = true),
  delimiter: (options, tokens) => {
    tokens.accept('as')
    options.delimiter = tokens.string()
    if (options.delimiter.length !== 1) unknown('a delimiter of several characters')
  },
  null: (options, tokens) => {
    tokens.expect('as')
    options.nullAs = tokens.string()
  },
  emptyasnull: (options) => void (options.emptyAsNull = true),
  roundec: (options) => void (options.round = true),
  truncatecolumns: (options) => void (options.truncate = true),
  ignoreheader: (options, tokens) => {
    tokens.accept('as')
    options.ignoreHeader = tokens.integer()
  },
  timeformat: (_, tokens) => auto(tokens),
  dateformat: (_, tokens) => auto(tokens),
  compupdate: (_, tokens) => one(tokens, ['off', 'preset', 'on']),
  statupdate: (_, tokens) => one(tokens, ['off', 'on']),
}

/** Other formats are not known; the word must be in lower case. */
function auto(tokens: Tokens): void {
  tokens.accept('as')
  if (tokens.string() !== 'auto') unknown('a format of dates that is not auto')
}

function one(tokens: Tokens, words: readonly string[]): void {
  if (!words.some((word) => tokens.accept(word))) tokens.fail()
}

/**
 * What queries over the catalogs have found, kept until the server says that it is not so any more.
 *
 * With thousands of tables the rows of such a query are megabytes, mostly the same as the last time.
 * So the server computes a digest over exactly the rows that the query has now, whatever they tell,
 * and sends them only if it is not that of the rows that we have: in one statement, so that digest
 * and rows are of the same moment.
 */

import type { Client } from 'pg'

export interface RememberedQuery<Row, Found> {
  readonly sql: string
  readonly parameters?: readonly unknown[]
  readonly read: (rows: readonly Row[]) => Found
}

interface Known {
  readonly digest: string
  readonly found: unknown
}

interface Derived {
  readonly from: readonly unknown[]
  readonly made: unknown
}

export class RowMemory {
  readonly #known = new Map<string, Known>()
  readonly #derived = new Map<string, Derived>()

  /** The very same object as before for as long as the rows are the same; nobody may change it. */
  async query<Row, Found>(
    client: Client,
    { sql, parameters = [], read }: RememberedQuery<Row, Found>,
  ): Promise<Found> {
    const known = this.#known.get(sql)
    const { rows } = await client.query<Row & Told>(unlessKnown(sql, parameters.length), [
      ...parameters,
      known?.digest ?? '',
    ])
    const digest = rows[0]!.digest!
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what this query was read into
    if (digest === known?.digest) return known.found as Found
    const found = read(rows.filter(({ isRow }) => isRow))
    this.#known.set(sql, { digest, found })
    return found
  }

  /** What is made of such objects: again only from others. `name` tells what it is. */
  derive<Made>(name: string, from: readonly unknown[], make: () => Made): Made {
    const last = this.#derived.get(name)
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what this name was made into
    if (last?.from.every((one, i) => one === from[i])) return last.made as Made
    const made = make()
    this.#derived.set(name, { from, made })
    return made
  }
}

/** Beside each row; one without a row if there are none to be sent. */
interface Told {
  /** Beside the first. */
  readonly digest: string | null
  readonly isRow: true | null
}

/** The join is a loop over the one digest, and so keeps the order of the rows. */
function unlessKnown(sql: string, parameters: number): string {
  return `
    with known as materialized (select true as "isRow", found.* from (${sql}) as found),
    now as (select encode(sha256(coalesce(string_agg(sha256(textsend(known::text)), ''), '')), 'hex')
                     as digest from known)
    select case when row_number() over () = 1 then now.digest end as digest, known.*
      from now left join known on now.digest <> $${parameters + 1}::text`
}

/** What the shared SQL needs of a database: statements run, rows read, one after the other. */

export type SqlRow = Readonly<Record<string, unknown>>

export interface SqlSession {
  /** Runs a statement; resolves to the number of rows that it changed. */
  run(sql: string): Promise<number>
  /** Rows by the names of their columns; 64-bit integers as text. */
  rows(sql: string): Promise<readonly SqlRow[]>
}

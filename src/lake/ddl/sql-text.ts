/** Names and texts as the standard has them. Names of raw tables and views are plain already. */

export function quoted(name: string): string {
  return `"${name}"`
}

export function standardLiteral(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

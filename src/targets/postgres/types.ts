/**
 * PostgreSQL's types in another PostgreSQL.
 *
 * A type is looked up by its name: the server's own, then one of the table's schema, then one of
 * `public`, then the only one of that name anywhere. So enums, composites, ranges and types of extensions are
 * kept where the target has them. What it does not have is stored as text, in the text that it has in
 * the source, and so are values whose text means something in one database only, such as `regclass`.
 */

import type { ColumnType } from '../../core/type.ts'
import { numericModifier } from '../../core/type.ts'
import { literal } from '../sql/names.ts'
import type { SqlRow, SqlSession } from '../sql/session.ts'

interface TypePlace {
  /** Where types are looked for before others. */
  readonly namespace: string
  /** Major version of the server. */
  readonly version: number
}

const TEXT = 'text'

/** Names of objects or roles, which may be others here, or none. */
const NAMES_OF_OBJECTS = /^(reg[a-z]+|aclitem)$/

/** The first version whose numerics may have a scale below 0 or above the precision. */
const ANY_SCALE_SINCE = 15

/** The types of columns as they stand in DDL, in the same order. */
export async function typesIn(
  session: Pick<SqlSession, 'rows'>,
  types: readonly ColumnType[],
  place: TypePlace,
): Promise<string[]> {
  const wishes = types.map((type) => wishOf(type, place))
  const values = wishes.flatMap((wish, i) => (wish === null ? [] : [valueOf(wish, i)]))
  if (values.length === 0) return types.map(() => TEXT)
  const candidates = await session.rows(lookUp(values))
  return wishes.map((wish, i) => {
    if (wish === null) return TEXT
    return (
      best(
        candidates.filter((one) => one['place'] === i),
        place.namespace,
      ) ?? TEXT
    )
  })
}

interface Wish {
  readonly name: string
  readonly modifier: number
  readonly isArray: boolean
}

/** `null`: text in any case. */
function wishOf({ name, modifier, element }: ColumnType, place: TypePlace): Wish | null {
  if (element !== undefined) {
    // A domain of arrays can be an element, and is written in quotes then.
    if (element.element !== undefined) return null
    const wish = wishOf({ ...element, modifier }, place)
    return wish && { ...wish, isArray: true }
  }
  if (NAMES_OF_OBJECTS.test(name)) return null
  const isPlain = name !== 'numeric' || place.version >= ANY_SCALE_SINCE || isOldNumeric(modifier)
  return { name, modifier: isPlain ? modifier : -1, isArray: false }
}

function isOldNumeric(modifier: number): boolean {
  const { precision, scale } = numericModifier(modifier)
  return precision === null || scale === null || (scale >= 0 && scale <= precision)
}

function valueOf({ name, modifier, isArray }: Wish, place: number): string {
  return `(${place}, ${literal(name)}, ${modifier}, ${isArray})`
}

function lookUp(values: readonly string[]): string {
  return `
    SELECT w.place, n.nspname AS namespace,
           pg_catalog.format_type(CASE WHEN w.is_array THEN t.typarray ELSE t.oid END,
                                  w.modifier) AS type
      FROM (VALUES ${values.join(', ')}) AS w (place, name, modifier, is_array)
      JOIN pg_catalog.pg_type t ON t.typname = w.name
      JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
      LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid
     WHERE (t.typtype IN ('b', 'd', 'e', 'r', 'm') OR c.relkind = 'c')
       AND (t.typarray <> 0 OR NOT w.is_array)
       AND pg_catalog.has_type_privilege(t.oid, 'USAGE')
       AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')`
}

function best(candidates: readonly SqlRow[], namespace: string): string | null {
  for (const preferred of ['pg_catalog', namespace, 'public']) {
    const found = candidates.find((one) => one['namespace'] === preferred)
    if (found !== undefined) return String(found['type'])
  }
  return candidates.length === 1 ? String(candidates[0]!['type']) : null
}

/** Which changes of a type keep the text of every value. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { changeOf, type TypeChange } from '../../../src/core/type-change.ts'
import type { ColumnType } from '../../../src/core/type.ts'

const OIDS: Record<string, number> = {
  int2: 21, int4: 23, int8: 20, numeric: 1700, varchar: 1043, text: 25, float4: 700, float8: 701,
  mood: 9000, feeling: 9000,
} // prettier-ignore

/** `numeric(10,2)`, `varchar(5)`, `int4[]` */
function type(text: string): ColumnType {
  const [, name, first, second, list] = /^(\w+?)(?:\((\d+)(?:,(\d+))?\))?(\[\])?$/.exec(text)!
  const high = name === 'numeric' ? Number(first) * 65_536 + Number(second ?? 0) : Number(first)
  const modifier = first === undefined ? -1 : high + 4
  const plain = { oid: OIDS[name!]!, name: name!, modifier }
  return list === undefined ? plain : { ...plain, oid: plain.oid + 100_000, element: plain }
}

const cases: [from: string, to: string, change: TypeChange][] = [
  ['int4', 'int4', 'none'],
  ['mood', 'feeling', 'none'],
  ['int2', 'int8', 'followable'],
  ['int4', 'int2', 'rewrite'],
  ['int8', 'numeric', 'followable'],
  ['int8', 'numeric(10,2)', 'rewrite'],
  ['int4', 'text', 'followable'],
  ['text', 'int4', 'rewrite'],
  ['varchar(5)', 'varchar(9)', 'followable'],
  ['varchar(9)', 'varchar(5)', 'rewrite'],
  ['varchar', 'varchar(5)', 'rewrite'],
  ['varchar(5)', 'text', 'followable'],
  ['text', 'varchar', 'followable'],
  ['text', 'varchar(5)', 'rewrite'],
  ['numeric(10,2)', 'numeric(12,2)', 'followable'],
  ['numeric(10,2)', 'numeric(12,3)', 'rewrite'],
  ['numeric(12,2)', 'numeric(10,2)', 'rewrite'],
  ['numeric(10,2)', 'numeric', 'followable'],
  ['numeric', 'numeric(10,2)', 'rewrite'],
  ['float4', 'float8', 'rewrite'],
  ['int4[]', 'int8[]', 'rewrite'],
  ['int4', 'int4[]', 'rewrite'],
]

for (const [from, to, change] of cases) {
  test(`a change from ${from} to ${to} is ${change}`, () => {
    assert.equal(changeOf(type(from), type(to)), change)
  })
}

/** The schema as JSON schema: for editors, for the documentation, and to name keys that do exist. */

import { z } from 'zod'

import { configSchema } from './schema.ts'

/** The part of JSON schema that ours makes use of. */
export interface JsonSchema {
  readonly type?: string
  readonly description?: string
  readonly default?: unknown
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | JsonSchema
  readonly items?: JsonSchema
  readonly oneOf?: readonly JsonSchema[]
  readonly anyOf?: readonly JsonSchema[]
  /** `{}` for keys that are not in this version yet: nothing is valid there. */
  readonly not?: JsonSchema
  readonly secret?: boolean
}

export function configJsonSchema(): JsonSchema {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- zod's own type allows everything
  return z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' }) as JsonSchema
}

/** The keys that may stand in the map at the path; none if there is no such map. */
export function knownKeys(path: readonly PropertyKey[]): readonly string[] {
  let candidates = variants(configJsonSchema())
  for (const step of path) {
    candidates = candidates.flatMap((schema) => variants(childOf(schema, String(step))))
  }
  const keys = candidates.flatMap(({ properties }) => Object.entries(properties ?? {}))
  return [...new Set(keys.filter(([, schema]) => schema.not === undefined).map(([key]) => key))]
}

function childOf(schema: JsonSchema, step: string): JsonSchema | undefined {
  const { properties, additionalProperties, items } = schema
  if (properties && Object.hasOwn(properties, step)) return properties[step]
  return typeof additionalProperties === 'object' ? additionalProperties : items
}

/** The alternatives of a schema, or itself if it has none. */
export function variants(schema: JsonSchema | undefined): readonly JsonSchema[] {
  if (schema === undefined) return []
  return schema.oneOf ?? schema.anyOf ?? [schema]
}

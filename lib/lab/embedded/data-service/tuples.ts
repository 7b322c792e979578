import { asObject } from '../parse.ts'
import type { Attribute } from '../site/bundle-file.ts'

/** The tuples of an inject body: their number, and the JSON text of their list; or what is wrong. */
export type ParsedTuples = { readonly count: number; readonly json: string } | { readonly problem: string }

/** Reads `{"items":[…]}` and holds every tuple against the schema of the endpoint. */
export function parseTuples(body: Buffer, schema: readonly Attribute[]): ParsedTuples {
  const text = body.toString('utf8')
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    return { problem: 'The body is not JSON.' }
  }
  const envelope = asObject(parsed)
  const items = envelope?.['items']
  if (!envelope || !Array.isArray(items)) return { problem: 'The body has no list called items.' }
  for (let i = 0; i < items.length; i++) {
    const problem = problemOf(items[i], schema)
    if (problem) return { problem: `Tuple ${i}: ${problem}` }
  }
  // The list's own text passes through untouched: no second serialisation, and 64-bit integers stay what they are.
  const alone = Object.keys(envelope).length === 1
  const json = alone ? text.slice(text.indexOf('['), text.lastIndexOf(']') + 1) : JSON.stringify(items)
  return { count: items.length, json }
}

function problemOf(item: unknown, schema: readonly Attribute[]): string | undefined {
  const tuple = asObject(item)
  if (!tuple) return 'it is not an object.'
  for (const { name, type } of schema) {
    const value = tuple[name]
    if (value === undefined) return `the attribute ${name} is missing.`
    if (!fits(value, type)) return `the attribute ${name} is no ${type}.`
  }
  return undefined
}

function fits(value: unknown, type: string): boolean {
  switch (type) {
    case 'rstring':
    case 'ustring':
      return typeof value === 'string'
    case 'boolean':
      return typeof value === 'boolean'
    case 'float32':
    case 'float64':
    case 'timestamp':
      return typeof value === 'number'
    case 'uint8':
    case 'uint16':
    case 'uint32':
    case 'uint64':
      return typeof value === 'number' && Number.isInteger(value) && value >= 0
    case 'int8':
    case 'int16':
    case 'int32':
    case 'int64':
      return typeof value === 'number' && Number.isInteger(value)
    default:
      return true
  }
}

import { z } from 'zod'
import type { Field, FieldType, TupleSchema } from './exchange.ts'

const looseRecord = z.record(z.string(), z.unknown())
const documentSchema = z.looseObject({
  paths: z.record(z.string(), z.looseObject({ get: looseRecord.optional(), post: looseRecord.optional() })),
  servers: z.array(z.looseObject({ url: z.string() })).optional(),
})

/** An OpenAPI 3 document as far as this project reads it. */
export type OpenApi = z.output<typeof documentSchema>

/** Schema of an OpenAPI 3 document. */
export const openApiSchema = documentSchema

/** What the document says on one operation. */
export interface OperationDescription {
  readonly path: string
  readonly method: 'get' | 'post'
  readonly schema?: TupleSchema
  /** Names of query parameters. */
  readonly parameters: readonly string[]
}

/** The operations on tuples of a document; pages of documentation are left out. */
export function operations(document: OpenApi, items: string): OperationDescription[] {
  const found: OperationDescription[] = []
  for (const [path, entry] of Object.entries(document.paths)) {
    for (const method of ['get', 'post'] as const) {
      const operation = entry[method]
      if (!operation || (Array.isArray(operation['tags']) && operation['tags'].includes('Documentation'))) continue
      const body = at(
        document,
        method === 'post' ? operation['requestBody'] : dig(document, operation, ['responses', '200']),
      )
      const content = dig(document, body, ['content', 'application/json', 'schema', 'properties', items, 'items'])
      const schema = tupleSchema(document, content)
      found.push({
        path,
        method,
        ...(schema ? { schema } : {}),
        parameters: parameterNames(document, [operation, entry]),
      })
    }
  }
  return found
}

/** The operation behind a URL, by its path from the root of the host or from a server of the document. */
export function operationAt(
  document: OpenApi,
  found: readonly OperationDescription[],
  url: string,
  method: 'get' | 'post',
): OperationDescription | undefined {
  const path = plain(new URL(url).pathname)
  const prefixes = [
    '',
    ...(document.servers ?? []).map((server) => plain(new URL(server.url, url).pathname).replace(/\/$/, '')),
  ]
  return found.find((one) => one.method === method && prefixes.some((prefix) => prefix + plain(one.path) === path))
}

/** The attributes of a tuple from the JSON schema of an object; undefined if it is none. */
function tupleSchema(document: OpenApi, node: unknown): TupleSchema | undefined {
  const type = fieldType(document, node, 0)
  return type.kind === 'tuple' ? { fields: type.fields } : undefined
}

function fieldType(document: OpenApi, node: unknown, depth: number): FieldType {
  const schema = at(document, node)
  // Schemas may refer to themselves.
  if (!isObject(schema) || depth > 20) return { kind: 'any' }
  const variants = schema['oneOf'] ?? schema['anyOf'] ?? schema['allOf']
  if (Array.isArray(variants)) {
    const real = variants.filter((variant) => !(isObject(variant) && variant['type'] === 'null'))
    return real.length === 1 ? fieldType(document, real[0], depth + 1) : { kind: 'any' }
  }
  switch (typeName(schema)) {
    case 'boolean':
      return { kind: 'boolean' }
    case 'integer':
      return integerType(schema)
    case 'number':
      return { kind: 'number' }
    case 'string': {
      const values = Array.isArray(schema['enum'])
        ? schema['enum'].filter((value) => typeof value === 'string')
        : undefined
      const maxLength = schema['maxLength']
      return { kind: 'string', ...(values ? { values } : {}), ...(typeof maxLength === 'number' ? { maxLength } : {}) }
    }
    case 'array':
      return { kind: 'list', of: fieldType(document, schema['items'], depth + 1) }
    case 'object':
      if (isObject(schema['properties'])) return { kind: 'tuple', fields: fieldsOf(document, schema, depth) }
      return { kind: 'map', of: fieldType(document, schema['additionalProperties'], depth + 1) }
    default:
      return isObject(schema['properties'])
        ? { kind: 'tuple', fields: fieldsOf(document, schema, depth) }
        : { kind: 'any' }
  }
}

/** By the SPL type where the document tells it, else by format and minimum; 64 signed bits where nothing is said. */
function integerType(schema: Record<string, unknown>): FieldType {
  const told = [schema['x-spl-type'], schema['format']]
    .map((text) => /^(u?)int(8|16|32|64)$/.exec(String(text)))
    .find((match) => match !== null)
  const minimum = schema['minimum']
  const unsigned = told?.[1] === 'u' || (typeof minimum === 'number' && minimum >= 0)
  return { kind: 'integer', bits: Number(told?.[2] ?? 64) as 8 | 16 | 32 | 64, signed: !unsigned }
}

/** All attributes of an SPL tuple are there unless they may be null; a list of `required` ones says so in another way. */
function fieldsOf(document: OpenApi, schema: Record<string, unknown>, depth: number): Field[] {
  const required = Array.isArray(schema['required']) ? new Set(schema['required']) : undefined
  return Object.entries(schema['properties'] as Record<string, unknown>).map(([name, node]) => ({
    name,
    type: fieldType(document, node, depth + 1),
    optional: isNullable(at(document, node)) || (required !== undefined && !required.has(name)),
  }))
}

function isNullable(schema: unknown): boolean {
  if (!isObject(schema)) return false
  if (schema['nullable'] === true) return true
  if (Array.isArray(schema['type'])) return schema['type'].includes('null')
  const variants = schema['oneOf'] ?? schema['anyOf']
  return Array.isArray(variants) && variants.some((variant) => isObject(variant) && variant['type'] === 'null')
}

function typeName(schema: Record<string, unknown>): unknown {
  const type = schema['type']
  return Array.isArray(type) ? type.find((one) => one !== 'null') : type
}

function parameterNames(document: OpenApi, holders: readonly Record<string, unknown>[]): string[] {
  const names: string[] = []
  for (const holder of holders) {
    const list = holder['parameters']
    if (!Array.isArray(list)) continue
    for (const entry of list) {
      const parameter = at(document, entry)
      if (isObject(parameter) && parameter['in'] === 'query' && typeof parameter['name'] === 'string')
        names.push(parameter['name'])
    }
  }
  return names
}

/** What a node is, or what it refers to within the document. */
function at(document: OpenApi, node: unknown, hops = 0): unknown {
  if (!isObject(node) || typeof node['$ref'] !== 'string' || hops > 20) return node
  const reference = node['$ref']
  if (!reference.startsWith('#/')) return undefined
  const path = reference
    .slice(2)
    .split('/')
    .map((part) => decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~'))
  return at(document, dig(document, document, path), hops + 1)
}

function dig(document: OpenApi, node: unknown, path: readonly string[]): unknown {
  let current = at(document, node)
  for (const name of path) current = isObject(current) ? at(document, current[name]) : undefined
  return current
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function plain(path: string): string {
  try {
    return decodeURI(path)
  } catch {
    return path
  }
}

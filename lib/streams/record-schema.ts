import type { Field, FieldType, Tuple, TupleSchema } from './exchange.ts'
import { RecordError, type RecordIssue } from './errors.ts'

/** Most issues that are gathered: a wrong file would otherwise fill the memory with complaints. */
const MOST_ISSUES = 100

/**
 * Checks tuples against a schema.
 * @param source where they come from, for the message
 * @throws RecordError that names row, field and expected type
 */
export function checkRecords(schema: TupleSchema, items: readonly unknown[], source: string): readonly Tuple[] {
  const issues: RecordIssue[] = []
  for (const [index, item] of items.entries()) {
    checkTuple(schema.fields, item, '', (field, expected, found) =>
      issues.push({ row: index + 1, field, expected, found: show(found) }),
    )
    if (issues.length >= MOST_ISSUES) break
  }
  if (issues.length > 0) {
    throw new RecordError(source, issues, {
      remedy: 'Correct the data, or the attributes of the operator; nothing was sent.',
    })
  }
  return items as readonly Tuple[]
}

/** A type as its user writes it, e.g. `int64`, `list<float64>`, `one of "east", "west"`. */
export function describeType(type: FieldType): string {
  switch (type.kind) {
    case 'integer':
      return `${type.signed ? '' : 'u'}int${type.bits}`
    case 'number':
      return 'a finite number'
    case 'string':
      if (type.values) return `one of ${type.values.map((value) => JSON.stringify(value)).join(', ')}`
      return type.maxLength === undefined ? 'a string' : `a string of at most ${type.maxLength} characters`
    case 'boolean':
      return 'true or false'
    case 'list':
      return `list<${describeType(type.of)}>`
    case 'map':
      return `map<string, ${describeType(type.of)}>`
    case 'tuple':
      return `tuple<${type.fields.map((field) => field.name).join(', ')}>`
    case 'any':
      return 'anything'
  }
}

type Report = (field: string, expected: string, found: unknown) => void

function checkTuple(fields: readonly Field[], item: unknown, path: string, report: Report): void {
  if (!isObject(item)) {
    report(path || '(tuple)', 'an object', item)
    return
  }
  for (const field of fields) {
    const value = item[field.name]
    const name = path === '' ? field.name : `${path}.${field.name}`
    if (value === undefined || value === null) {
      if (!field.optional) report(name, describeType(field.type), value === null ? null : undefined)
      continue
    }
    checkValue(field.type, value, name, report)
  }
  for (const name of Object.keys(item)) {
    if (!fields.some((field) => field.name === name)) {
      report(
        path === '' ? name : `${path}.${name}`,
        `only the fields ${fields.map((field) => field.name).join(', ')}`,
        item[name],
      )
    }
  }
}

function checkValue(type: FieldType, value: unknown, path: string, report: Report): void {
  switch (type.kind) {
    case 'any':
      return
    case 'list':
      if (!Array.isArray(value)) return report(path, describeType(type), value)
      for (const [index, one] of value.entries()) checkValue(type.of, one, `${path}[${index}]`, report)
      return
    case 'map':
      if (!isObject(value)) return report(path, describeType(type), value)
      for (const [key, one] of Object.entries(value))
        checkValue(type.of, one, `${path}[${JSON.stringify(key)}]`, report)
      return
    case 'tuple':
      return checkTuple(type.fields, value, path, report)
    default:
      if (!fits(type, value)) report(path, describeType(type), value)
  }
}

function fits(type: Exclude<FieldType, { kind: 'list' | 'map' | 'tuple' | 'any' }>, value: unknown): boolean {
  switch (type.kind) {
    case 'boolean':
      return typeof value === 'boolean'
    case 'number':
      return typeof value === 'bigint' || (typeof value === 'number' && Number.isFinite(value))
    case 'string':
      if (typeof value !== 'string') return false
      return (type.values?.includes(value) ?? true) && value.length <= (type.maxLength ?? Infinity)
    case 'integer': {
      // Beyond 2^53 a number has already lost digits: such values come as bigints.
      if (typeof value !== 'bigint' && !Number.isSafeInteger(value)) return false
      const whole = BigInt(value as number | bigint)
      const low = type.signed ? -(2n ** BigInt(type.bits - 1)) : 0n
      const high = 2n ** BigInt(type.signed ? type.bits - 1 : type.bits) - 1n
      return whole >= low && whole <= high
    }
  }
}

function show(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (typeof value === 'bigint') return String(value)
  if (typeof value === 'number') return String(value)
  const text = Array.isArray(value) ? 'a list' : isObject(value) ? 'an object' : JSON.stringify(value)
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

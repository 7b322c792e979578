import { createReadStream } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { extname } from 'node:path'
import { pipeline } from 'node:stream'
import { parse } from 'csv-parse'
import { stringify } from 'csv-stringify/sync'
import { ConfigurationError, messageOf } from '../core/index.ts'
import type { Field, FieldType, Tuple, TupleSchema } from './exchange.ts'
import { RecordError, type RecordIssue } from './errors.ts'
import { parseJson, stringifyJson } from './json.ts'
import { checkRecords, describeType } from './record-schema.ts'

/** Formats of files of tuples: CSV with a header line, a JSON array (or `{"items": […]}`), one JSON object per line. */
export type RecordFormat = 'csv' | 'json' | 'jsonl'

/** Options of {@link readRecords} and {@link writeRecords}. */
export interface RecordFileOptions {
  readonly schema: TupleSchema
  /** Default: by the extension of the file. */
  readonly format?: RecordFormat
}

/**
 * Tuples of a file, typed by the endpoint's schema. In CSV an empty cell of an optional field is null; lists, maps and tuples are
 * JSON in their cell.
 * @throws RecordError that names row, field and expected type; ConfigurationError if the file cannot be read
 */
export async function readRecords(path: string, options: RecordFileOptions): Promise<Tuple[]> {
  const format = options.format ?? formatOf(path)
  try {
    const items =
      format === 'csv' ? await readCsv(path, options.schema) : readJsonText(await readFile(path, 'utf8'), format, path)
    const type: FieldType = { kind: 'tuple', fields: options.schema.fields }
    return checkRecords(options.schema, items, path).map((item) => typed(type, item) as Tuple)
  } catch (error) {
    if (error instanceof RecordError || error instanceof ConfigurationError) throw error
    throw new ConfigurationError(`The file of tuples ${path} cannot be read: ${messageOf(error)}.`, {
      cause: error,
      remedy: `Check the path, and that it holds ${format.toUpperCase()}.`,
    })
  }
}

/** Writes tuples to a file that {@link readRecords} reads back the same. @throws RecordError */
export async function writeRecords(path: string, items: readonly Tuple[], options: RecordFileOptions): Promise<void> {
  checkRecords(options.schema, items, path)
  const format = options.format ?? formatOf(path)
  const { fields } = options.schema
  if (format === 'csv') {
    const rows = items.map((item) => fields.map((field) => toCell(item[field.name])))
    await writeFile(
      path,
      stringify(rows, { header: true, columns: fields.map((field) => field.name), quoted_string: true }),
    )
    return
  }
  const lines = items.map((item) => stringifyJson(item))
  await writeFile(path, format === 'jsonl' ? lines.map((line) => `${line}\n`).join('') : `[\n${lines.join(',\n')}\n]\n`)
}

function formatOf(path: string): RecordFormat {
  const extension = extname(path).toLowerCase()
  if (extension === '.csv') return 'csv'
  if (extension === '.json') return 'json'
  if (extension === '.jsonl' || extension === '.ndjson') return 'jsonl'
  throw new ConfigurationError(`The format of ${path} cannot be told from its name.`, {
    remedy: 'Name it .csv, .json or .jsonl, or give `format`.',
  })
}

async function readCsv(path: string, schema: TupleSchema): Promise<Tuple[]> {
  const parser = parse({ bom: true, skip_empty_lines: true, trim: false })
  // Its outcome arrives through the parser, which it destroys with the error.
  pipeline(createReadStream(path), parser, () => {})
  const items: Tuple[] = []
  const issues: RecordIssue[] = []
  let columns: (Field | undefined)[] | undefined
  let header: string[] = []
  for await (const cells of parser as AsyncIterable<string[]>) {
    if (!columns) {
      header = cells
      columns = cells.map((name) => schema.fields.find((field) => field.name === name))
      continue
    }
    const row = items.length + 1
    const item: Record<string, unknown> = {}
    for (const [index, cell] of cells.entries()) {
      const field = columns[index]
      const name = header[index] ?? `column ${index + 1}`
      // An unknown column is reported by the check of the whole tuple.
      item[name] = field
        ? fromCell(field, cell, (expected) => issues.push({ row, field: name, expected, found: JSON.stringify(cell) }))
        : cell
    }
    items.push(item)
  }
  if (issues.length > 0) throw new RecordError(path, issues, { remedy: 'Correct the file; nothing was sent.' })
  return items
}

function fromCell(field: Field, cell: string, report: (expected: string) => void): unknown {
  const { type } = field
  if (cell === '' && field.optional) return null
  const expected = describeType(type)
  switch (type.kind) {
    case 'string':
      return cell
    case 'boolean':
      if (/^(true|false)$/i.test(cell)) return cell.toLowerCase() === 'true'
      break
    case 'integer':
      if (/^[+-]?\d+$/.test(cell))
        return Number.isSafeInteger(Number(cell)) ? Number(cell) : BigInt(cell.replace(/^\+/, ''))
      break
    case 'number':
      if (cell.trim() !== '' && Number.isFinite(Number(cell))) return Number(cell)
      break
    default:
      try {
        return parseJson(cell)
      } catch {
        if (type.kind === 'any') return cell
      }
  }
  report(expected)
  return cell
}

/** A float without a fraction looks like a large integer in JSON: only the schema knows. */
function typed(type: FieldType, value: unknown): unknown {
  switch (type.kind) {
    case 'number':
      return typeof value === 'bigint' ? Number(value) : value
    case 'list':
      return Array.isArray(value) ? value.map((one) => typed(type.of, one)) : value
    case 'map':
      return mapValues(value, (one) => typed(type.of, one))
    case 'tuple':
      return mapValues(value, (one, name) => {
        const field = type.fields.find((candidate) => candidate.name === name)
        return field ? typed(field.type, one) : one
      })
    default:
      return value
  }
}

function mapValues(value: unknown, change: (one: unknown, name: string) => unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, change(one, name)]))
}

function toCell(value: unknown): string {
  if (value === null || value === undefined) return ''
  return typeof value === 'string' ? value : stringifyJson(value)
}

function readJsonText(text: string, format: 'json' | 'jsonl', path: string): unknown[] {
  if (format === 'jsonl') {
    const lines = text.split('\n').filter((line) => line.trim() !== '')
    return lines.map((line, index) => {
      try {
        return parseJson(line)
      } catch (error) {
        throw new RecordError(path, [
          { row: index + 1, field: '(tuple)', expected: 'a JSON object', found: messageOf(error) },
        ])
      }
    })
  }
  const json = parseJson(text)
  if (Array.isArray(json)) return json
  const items: unknown = typeof json === 'object' && json !== null && 'items' in json ? json.items : undefined
  if (Array.isArray(items)) return items
  throw new RecordError(path, [
    { row: 1, field: '(file)', expected: 'an array of tuples, or an object with `items`', found: 'something else' },
  ])
}

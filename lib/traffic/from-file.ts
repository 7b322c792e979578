import { ConfigurationError } from '../core/index.ts'
import { readRecords, type RecordFormat, type TupleSchema } from '../streams/index.ts'
import type { SourceRow, TupleSource } from './source.ts'

/** Options of {@link fromFile}. */
export interface FromFileOptions {
  /** Attributes of the file's rows: those of the endpoint without the marks, which the generator adds. */
  readonly schema: TupleSchema
  /** Default: by the extension. */
  readonly format?: RecordFormat
  /** Attribute that is the tuple's value; it must be whole. Default: the generator's own values. */
  readonly value?: string
  /** Attribute that is the tuple's padding. */
  readonly payload?: string
  /** Begin again at the end of the file. Default false: the run's sending ends with the file. */
  readonly repeat?: boolean
}

/**
 * Rows from a CSV, JSON or JSON Lines file, held against a schema before anything is sent.
 * @throws RecordError, ConfigurationError, when the run starts
 */
export function fromFile(path: string, options: FromFileOptions): TupleSource {
  const { schema, format, value, payload, repeat = false } = options
  return {
    name: path,
    async *rows() {
      const records = await readRecords(path, { schema, ...(format === undefined ? {} : { format }) })
      if (records.length === 0) {
        throw new ConfigurationError(`The file of tuples ${path} is empty.`, { remedy: 'Give it at least one row.' })
      }
      do {
        for (const record of records) yield row(record, value, payload)
      } while (repeat)
    },
  }
}

function row(record: Readonly<Record<string, unknown>>, value?: string, payload?: string): SourceRow {
  const members: Record<string, unknown> = { ...record }
  const taken: { value?: number; payload?: string } = {}
  if (value !== undefined) {
    taken.value = Number(members[value])
    delete members[value]
  }
  if (payload !== undefined) {
    taken.payload = String(members[payload])
    delete members[payload]
  }
  return { ...taken, members }
}

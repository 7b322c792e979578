import { ConfigurationError, type Random } from '../core/index.ts'
import { stringifyJson } from '../streams/index.ts'
import type { PreparedRow } from './generator.ts'
import type { TrafficSchema } from './schema.ts'
import type { SourceRow, TupleSource } from './source.ts'

const ROWS_AT_ONCE = 2000

/** Reads rows ahead of the injector. */
export interface Feeder {
  /** The next rows; `ended` if there are no more. */
  take(): Promise<{ readonly rows: readonly PreparedRow[]; readonly ended: boolean }>
  close(): Promise<void>
}

/** A feeder for a source, a schema's own function, or both; `undefined` if neither has anything to say. */
export function feederOf(schema: TrafficSchema, source: TupleSource | undefined, random: Random): Feeder | undefined {
  const { more } = schema
  if (!source && !more) return undefined
  const rows = iterator(source?.rows(random.fork('source')) ?? nothing())
  const own = random.fork('schema')
  let index = 0
  return {
    async take() {
      const taken: PreparedRow[] = []
      while (taken.length < ROWS_AT_ONCE) {
        const next = await rows.next()
        if (next.done === true) return { rows: taken, ended: true }
        const members = { ...next.value.members, ...more?.({ index, random: own }) }
        index++
        taken.push(prepareRow({ ...next.value, members }))
      }
      return { rows: taken, ended: false }
    },
    async close() {
      await rows.return?.()
    },
  }
}

function iterator(
  rows: AsyncIterable<SourceRow> | Iterable<SourceRow>,
): AsyncIterator<SourceRow> | Iterator<SourceRow, unknown, unknown> {
  return Symbol.asyncIterator in rows ? rows[Symbol.asyncIterator]() : rows[Symbol.iterator]()
}

function* nothing(): Generator<SourceRow> {
  while (true) yield {}
}

function prepareRow(row: SourceRow): PreparedRow {
  const { value, payload, members = {} } = row
  if (value !== undefined && !Number.isSafeInteger(value)) {
    throw new ConfigurationError(`A row of the source has the value ${value}.`, {
      remedy: 'Values are whole numbers within 2^53, because the ledger adds them up.',
    })
  }
  const more = Object.entries(members)
    .map(([name, member]) => `,${JSON.stringify(name)}:${stringifyJson(member)}`)
    .join('')
  return { more, ...(value === undefined ? {} : { value }), ...(payload === undefined ? {} : { payload }) }
}

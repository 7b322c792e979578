import { ConfigurationError, type Random } from '../core/index.ts'

/** Names of the members that carry the ledger's marks through the application. */
export interface MarkFields {
  /** Number of the tuple, unique in a drill. Whole. */
  readonly seq: string
  readonly key: string
  /** Data centre whose work the tuple is. */
  readonly home: string
  /** Number of the tuple within its key, from 1, without gaps in what is sent. */
  readonly keySeq: string
  /** When it was sent: milliseconds of the runner's monotonic clock. */
  readonly sentAt: string
  readonly value: string
  /** Padding; left out if undefined. */
  readonly payload?: string
  /** CRC-32 of `seq|key|home|keySeq|value|payload`; integrity cannot be checked if undefined. */
  readonly checksum?: string
}

/** Names of the members that the application adds to a tuple, where it does. */
export interface ResultFields {
  /** How many tuples of the key were processed, this one included. */
  readonly count?: string
  /** Sum of their values. */
  readonly sum?: string
}

/** What a function of the user's is told about the tuple that it adds members to. */
export interface TupleContext {
  /** Counts the tuples of a run from 0. */
  readonly index: number
  /** Own random source of the schema, from the drill's seed. */
  readonly random: Random
}

/** What a tuple looks like on its way in, and what the application gives back. */
export interface TrafficSchema {
  readonly name: string
  readonly fields: MarkFields
  readonly results: ResultFields
  /** Further members of each tuple, as JSON values. Called on the main thread, ahead of time and in order. */
  readonly more?: (context: TupleContext) => Readonly<Record<string, unknown>>
}

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/

/**
 * A schema of one's own: which members carry the marks, and what else is in a tuple.
 * @example
 * const orders = defineSchema({
 *   name: 'orders',
 *   fields: { seq: 'orderId', key: 'customer', home: 'region', keySeq: 'n', sentAt: 'placedAt', value: 'amount' },
 *   results: { count: 'orders', sum: 'total' },
 *   more: ({ random }) => ({ currency: random.pick(['EUR', 'USD']) }),
 * })
 * @throws ConfigurationError if a name is no SPL identifier or is used twice
 */
export function defineSchema(schema: TrafficSchema): TrafficSchema {
  const names = Object.values<string>({ ...schema.fields, ...schema.results })
  for (const [index, name] of names.entries()) {
    if (!NAME.test(name)) {
      throw new ConfigurationError(`Schema ${schema.name}: ${JSON.stringify(name)} is no attribute name.`, {
        remedy: 'Use the name of the attribute in the SPL tuple type.',
      })
    }
    if (names.indexOf(name) !== index) {
      throw new ConfigurationError(`Schema ${schema.name}: ${name} is used for two things.`, {
        remedy: 'Give each mark an attribute of its own.',
      })
    }
  }
  return Object.freeze({
    ...schema,
    fields: Object.freeze({ ...schema.fields }),
    results: Object.freeze({ ...schema.results }),
  })
}

/** The tuple of the lab's application: a running count and sum per key. */
export const counterSchema: TrafficSchema = defineSchema({
  name: 'counter',
  fields: {
    seq: 'seq',
    key: 'key',
    home: 'home',
    keySeq: 'keySeq',
    sentAt: 'sentAt',
    value: 'value',
    payload: 'payload',
    checksum: 'checksum',
  },
  results: { count: 'count', sum: 'sum' },
})

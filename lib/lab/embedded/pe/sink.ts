import { now } from '../../../core/index.ts'
import type { TupleFrame } from '../protocol.ts'
import type { PeRuntime } from './runtime.ts'
import type { TupleConnection } from './tuple-server.ts'
import { asOwn } from '../parse.ts'

/** The port on which the logic says that its ownership has changed. Not a port that anyone sees. */
export const OWNERSHIP_PORT = 1

/** A batch whose acknowledgement is still owed. */
interface Owed {
  readonly connection: TupleConnection
  readonly id: number
  left: number
  lost: boolean
}

interface Kept {
  readonly item: unknown
  /** Undefined when nothing is owed for the tuple, or no more. */
  owed: Owed | undefined
  read: boolean
}

interface Lent {
  readonly at: number
  readonly kept: readonly Kept[]
}

const CORRUPT_EVERY = 50
/** A reader that has not said by then that it has its tuples went away with them, or without them. */
const LENT_MS = 2000

/**
 * Operator `Results`, an EndpointSink: keeps the last `bufferSize` tuples for readers. With `consumingReads` a tuple is gone once
 * it was read. With `acknowledge=delivered` a batch is acknowledged when readers have all of it.
 */
export async function runSink(pe: PeRuntime): Promise<void> {
  const { parameters } = pe.launch
  const bufferSize = Math.max(1, Number(parameters['bufferSize'] ?? '1000'))
  const consuming = (parameters['consumingReads'] ?? 'true') === 'true'
  const delivered = (parameters['acknowledge'] ?? 'delivered') === 'delivered'
  const corrupts = pe.defect('corrupts-payload')
  const input = pe.counters.input('Results', 0)
  const firstOutputs = new FirstOutputs(pe)
  const lent = new Map<TupleConnection, Map<number, Lent>>()
  let buffer: Kept[] = []
  /** Position of the oldest kept tuple: how many came and went before it. */
  let position = 0
  let dropped = 0
  let inserted = 0

  const keep = (connection: TupleConnection, { id, items }: Extract<TupleFrame, { type: 'batch' }>): void => {
    const owed = delivered && items.length > 0 ? { connection, id, left: items.length, lost: false } : undefined
    for (const item of items) {
      firstOutputs.inserted(item)
      const kept = corrupts && ++inserted % CORRUPT_EVERY === 0 ? corrupted(item) : item
      buffer.push({ item: kept, owed, read: false })
    }
    input.processed += items.length
    if (buffer.length > bufferSize) overrun(buffer.length - bufferSize)
    if (!owed) connection.send({ type: 'ack', id })
  }

  const overrun = (count: number): void => {
    const gone = buffer.slice(0, count)
    buffer = buffer.slice(count)
    position += count
    const unread = gone.filter((kept) => !kept.read)
    dropped += unread.length
    input.dropped += unread.length
    settle(unread, false)
  }

  const read = (connection: TupleConnection, { id, since, max }: Extract<TupleFrame, { type: 'read' }>): void => {
    const from = consuming ? 0 : Math.max(0, since - position)
    const kept = buffer.slice(from, from + max)
    const next = Math.max(since, position + from + kept.length)
    for (const one of kept) one.read = true
    if (consuming) {
      buffer = buffer.slice(kept.length)
      position += kept.length
    }
    const borrowed = lent.get(connection) ?? new Map<number, Lent>()
    for (const [old, { at, kept }] of borrowed) if (now() - at > LENT_MS) giveUp(borrowed, old, kept)
    lent.set(connection, borrowed.set(id, { at: now(), kept }))
    connection.send({ type: 'items', id, items: kept.map(({ item }) => item), next, dropped })
  }

  /** Nobody can say whether the reader got these; what others may still read is not lost. */
  const giveUp = (borrowed: Map<number, Lent>, id: number, kept: readonly Kept[]): void => {
    borrowed.delete(id)
    if (consuming) settle(kept, false)
  }

  await pe.serve({
    batch: (connection, frame) => {
      if (frame.port !== OWNERSHIP_PORT) return keep(connection, frame)
      firstOutputs.ownershipChanged()
      connection.send({ type: 'ack', id: frame.id })
    },
    read,
    taken: (connection, id) => {
      const borrowed = lent.get(connection)
      settle(borrowed?.get(id)?.kept ?? [], true)
      borrowed?.delete(id)
    },
    closed: (connection) => {
      const borrowed = lent.get(connection)
      lent.delete(connection)
      if (borrowed) for (const [id, { kept }] of borrowed) giveUp(borrowed, id, kept)
    },
  })
  pe.started()
}

/** Tuples have reached a reader, or never will: batches that are complete are answered. */
function settle(tuples: readonly Kept[], delivered: boolean): void {
  for (const kept of tuples) {
    const { owed } = kept
    kept.owed = undefined
    if (!owed) continue
    owed.left--
    owed.lost ||= !delivered
    if (owed.left > 0) continue
    const { connection, id } = owed
    const message = 'Tuples left the buffer of Results before a reader had them.'
    connection.send(owed.lost ? { type: 'nack', id, reason: 'in-doubt', message } : { type: 'ack', id })
  }
}

const FIRST_OUTPUTS = 500

/** Truth about the first tuples per home after the start and after each change of ownership. */
class FirstOutputs {
  readonly #pe: PeRuntime
  readonly #left = new Map<string, number>()

  constructor(pe: PeRuntime) {
    this.#pe = pe
  }

  ownershipChanged(): void {
    this.#left.clear()
  }

  inserted(item: unknown): void {
    const { home, seq, sentAt } = asOwn<{ home: string; seq: number; sentAt: number }>(item)
    const left = this.#left.get(home) ?? FIRST_OUTPUTS
    if (left === 0) return
    this.#left.set(home, left - 1)
    this.#pe.truth.write('first-output', { home, seq, sentAt })
  }
}

function corrupted(item: unknown): unknown {
  const tuple = asOwn<{ payload: string }>(item)
  const first = tuple.payload.charCodeAt(0)
  return { ...tuple, payload: String.fromCharCode(Number.isNaN(first) ? 33 : first ^ 1) + tuple.payload.slice(1) }
}

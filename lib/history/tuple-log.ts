import type { DcName } from './events.ts'

/** Answer to a batch: it has entered, it has not, or nobody can tell. */
export type Outcome = 'acknowledged' | 'refused' | 'indeterminate'

/** A key of the traffic, with the data centre whose work it is. Send and sight records carry its index in the table. */
export interface KeyEntry {
  readonly key: string
  readonly home: DcName
  /** Tuples of this key are offered to both data centres under one sequence number. */
  readonly witness?: boolean
}

/** One attempt to send a tuple. All numbers are whole and below 2^53, `key`, `keySeq` and `batch` below 2^32. */
export interface SendRecord {
  /** Unique within the drill; the same for all attempts. Give them out in rising order, without holes where possible. */
  readonly seq: number
  /** Index in the key table. */
  readonly key: number
  /** Number within the key, rising by one. */
  readonly keySeq: number
  readonly value: number
  /** Where it was sent to. */
  readonly dc: DcName
  /** The request that carried it: unique within the drill, given out in rising order, one data centre per batch. */
  readonly batch: number
  /** 1 for the first attempt. */
  readonly attempt: number
  /** The tuple's own `sentAt`, as it travelled in this attempt. */
  readonly sentAt: number
}

/** How a batch ended. A batch without one counts as indeterminate. */
export interface OutcomeRecord {
  readonly batch: number
  readonly dc: DcName
  readonly outcome: Outcome
  /** When the request left. */
  readonly sentAt: number
  /** When its answer was complete, or was given up. */
  readonly doneAt: number
  /** Short and from a small set: it is stored once per distinct text. */
  readonly reason?: string
}

/** One successful poll of a tap. The sights that follow belong to it. Failed polls are not recorded here. */
export interface PollRecord {
  readonly dc: DcName
  /** When the request left. */
  readonly asked: number
  /** When the answer was complete. */
  readonly answered: number
  /** When the previous successful poll of this tap was asked (of the first: when the tap was opened). */
  readonly previousAsked: number
  /** How many tuples the buffer dropped unread since the previous poll. */
  readonly overrun: number
}

/** What is wrong with a sight; several may be added up. */
export const SightFlag = {
  /** The checksum does not match. */
  corrupt: 1,
  /** The item could not be read as a tuple; numbers that could not be read are 0. */
  unparsable: 2,
  /** The key or run is not of this drill. */
  foreign: 4,
} as const

/** A tuple that a tap returned. */
export interface SightRecord {
  readonly seq: number
  /** Index in the key table, or {@link UNKNOWN_KEY}. */
  readonly key: number
  readonly keySeq: number
  readonly value: number
  /** The application's running count of the key, this tuple included. */
  readonly count: number
  /** The application's running sum of the key, this tuple included. */
  readonly sum: number
  /** Sum of {@link SightFlag} values; 0 when all is well. */
  readonly flags: number
}

/** Key index of a sight whose key is in no table. */
export const UNKNOWN_KEY = 0xffffffff

/** Writer of `tuples.sends`. Buffered: `flush` or a full buffer hands the bytes to the operating system. Synchronous. */
export interface SendLog {
  /**
   * Adds keys to the table and returns the index of the first; the others follow. They are on disk when this returns.
   */
  keys(entries: readonly KeyEntry[]): number
  send(record: SendRecord): void
  outcome(record: OutcomeRecord): void
  flush(): void
  close(): void
}

/** Writer of `tuples.sights`. Buffered as {@link SendLog} is. */
export interface SightLog {
  poll(record: PollRecord): void
  sight(record: SightRecord): void
  flush(): void
  close(): void
}

/**
 * Both halves of a drill's tuple log. A half is opened when it is first used, so that one thread may write the sends and
 * another the sights; each half must have one writer at a time.
 */
export interface TupleLogWriter {
  readonly sends: SendLog
  readonly sights: SightLog
  flush(): void
  close(): void
}

import type { KeyEntry } from '../../history/index.ts'
import type { Exceptions, TupleFact } from './exceptions.ts'
import type { Keys } from './keys.ts'
import type { Latencies } from './latencies.ts'
import type { Rates } from './rates.ts'
import type { Recovery } from './recoveries.ts'
import type { Tap } from './taps.ts'

/** A tuple that was acknowledged and that no tap showed. Instants are absolute. */
export interface MissingTuple extends TupleFact {
  readonly sentAt: number
  readonly acknowledgedAt: number
}

/** Why nobody can tell what became of an acknowledged tuple. */
export type UnknownReason = 'overrun' | 'in-flight' | 'blind-tap'

/** What the tuple log of a drill comes to: the fate of every tuple, in numbers and exceptions. Instants are absolute. */
export interface Ledger {
  readonly keys: readonly KeyEntry[]
  /** Distinct tuples sent. */
  readonly sent: number
  readonly attempts: number
  readonly acknowledged: number
  /** Refused by all to whom they were offered. */
  readonly refused: number
  /** Neither acknowledged nor refused by all. */
  readonly indeterminate: number
  /** Distinct tuples seen. */
  readonly seen: number
  readonly sights: number
  readonly lost: Exceptions<MissingTuple>
  /** Send times of the lost tuples, sorted. */
  readonly lostAt: readonly number[]
  readonly unknown: Exceptions<MissingTuple>
  readonly unknownBy: Readonly<Record<UnknownReason, number>>
  readonly duplicated: Exceptions<TupleFact>
  readonly dual: Exceptions<TupleFact>
  /** Seen at both data centres because the sender had sent it to both for want of an answer. */
  readonly resentTwice: number
  readonly refusedSeen: Exceptions<TupleFact>
  readonly corrupt: Exceptions<TupleFact>
  readonly unparsable: Exceptions<TupleFact>
  readonly foreign: Exceptions<TupleFact>
  /** Key, key number or value differ from what was sent, with or without a matching checksum. */
  readonly altered: Exceptions<TupleFact>
  readonly phantom: Exceptions<TupleFact>
  readonly late: Exceptions<TupleFact>
  readonly latencies: Latencies
  readonly work: Keys
  readonly recoveries: readonly Recovery[]
  readonly rates: Rates
  readonly taps: readonly [Tap, Tap]
  readonly firstSend: number
  readonly lastSend: number
  /** Witness tuples offered: in all, and since trouble began. */
  readonly witnesses: { readonly all: number; readonly sinceTrouble: number }
  /** Bytes of incomplete records at the ends of the two files. */
  readonly tailBytes: { readonly sends: number; readonly sights: number }
}

import type { KeyEntry } from '../history/index.ts'
import type { Endpoint } from './endpoint.ts'
import type { PreparedRow } from './generator.ts'
import type { LoadProfile } from './profile.ts'
import type { MarkFields, ResultFields } from './schema.ts'
import type { DcName, Lateness, Redirect, Routing, TapStats } from './types.ts'

/** Endpoints of both data centres, as far as they are found. */
export type Endpoints = Readonly<Partial<Record<DcName, Endpoint>>>

/** What the injector is told when it starts. Plain data; holds secrets in the endpoints' headers. */
export interface InjectorSetup {
  /** Directory of the tuple log, whose sends this thread writes. */
  readonly directory: string
  readonly endpoints: Endpoints
  readonly homes: readonly DcName[]
  readonly keys: readonly KeyEntry[]
  readonly fields: MarkFields
  readonly seed: number
  readonly rate: number
  readonly profile: LoadProfile
  readonly batchEveryMs: number
  readonly payloadBytes: number
  readonly routing: Routing
  readonly resend: boolean
  /** True if contents come as `rows` messages. */
  readonly fed: boolean
  readonly requestTimeoutMs: number
  readonly lanes: number
  readonly pipelining: number
  readonly maxInFlight: number
  readonly maxLatenessMs: number
  readonly maxBatch: number
  /** First sequence number and first batch number to use. */
  readonly firstSeq: number
  readonly firstBatch: number
}

/** To the injector. */
export type ToInjector =
  /** Begin the schedule now. */
  | { readonly type: 'go' }
  | { readonly type: 'endpoints'; readonly endpoints: Endpoints }
  | { readonly type: 'rows'; readonly rows: readonly PreparedRow[]; readonly ended: boolean }
  | { readonly type: 'failback' }
  /** Send nothing more; answer `drained` when every batch has its outcome. */
  | { readonly type: 'stop' }

/** Tuples of one home by the time of their first attempt, in slots of {@link SLOT_MS} of the monotonic clock. */
export interface Slot {
  readonly slot: number
  readonly sent: number
  readonly acknowledged: number
  /** Refused for good or indeterminate. */
  readonly failed: number
}

/** Width of the slots that steadiness is judged by. */
export const SLOT_MS = 50

/** Counts of one home, of tuples. */
export interface HomeCounts {
  readonly planned: number
  readonly sent: number
  readonly acknowledged: number
  readonly refused: number
  readonly indeterminate: number
  readonly shed: number
  readonly route: DcName
  /** Slots that changed since the last report. */
  readonly slots: readonly Slot[]
}

/** Delays of a thread's event loop over some time. */
export interface LoopLag {
  readonly earliest: number
  readonly latest: number
  readonly meanMs: number
  readonly p99Ms: number
  readonly maxMs: number
}

/** From the injector. */
export type FromInjector =
  | { readonly type: 'ready'; readonly firstKey: number }
  | { readonly type: 'started'; readonly at: number }
  | {
      readonly type: 'progress'
      readonly at: number
      readonly homes: Readonly<Partial<Record<DcName, HomeCounts>>>
      /** Over the whole run. */
      readonly lateness: Lateness
      readonly saturated: boolean
      readonly requestsInFlight: number
    }
  | { readonly type: 'redirect'; readonly redirect: Redirect }
  | { readonly type: 'lateness'; readonly lag: LoopLag; readonly count: number }
  | { readonly type: 'lag'; readonly lag: LoopLag }
  /** A data centre says that the endpoint is not there. */
  | { readonly type: 'lost-endpoint'; readonly dc: DcName }
  | { readonly type: 'need-rows' }
  | { readonly type: 'source-ended' }
  | { readonly type: 'drained'; readonly nextSeq: number; readonly nextBatch: number; readonly requests: number }

/** What the taps are told when they start. */
export interface TapsSetup {
  /** Directory of the tuple log, whose sights this thread writes. */
  readonly directory: string
  readonly endpoints: Endpoints
  /** All keys of the drill that may still show up, with their indices in the key table. */
  readonly keys: readonly { readonly entry: KeyEntry; readonly index: number; readonly current: boolean }[]
  readonly fields: MarkFields
  readonly results: ResultFields
  readonly everyMs: number
  readonly timeoutMs: number
  readonly maxItems: number
}

/** To the taps. */
export type ToTaps =
  | { readonly type: 'endpoints'; readonly endpoints: Endpoints }
  /** The schedule begins. */
  | { readonly type: 'begin' }
  | { readonly type: 'keys'; readonly keys: TapsSetup['keys'] }
  | { readonly type: 'stop' }

/** From the taps. */
export type FromTaps =
  /** Each tap was read once, or could not be. */
  | { readonly type: 'ready' }
  | {
      readonly type: 'progress'
      readonly at: number
      readonly taps: Readonly<Record<DcName, TapStats>>
      /** Different tuples of the run's own keys, witnesses excepted, per home and in all. */
      readonly seen: Readonly<Record<DcName, number>>
      readonly slots: Readonly<Record<DcName, readonly { readonly slot: number; readonly seen: number }[]>>
      /** When a tuple that was not seen before was last seen. */
      readonly lastNew: number
    }
  | {
      readonly type: 'tap'
      readonly dc: DcName
      readonly event: 'started' | 'up' | 'down' | 'overrun' | 'stopped'
      readonly earliest: number
      readonly latest: number
      readonly dropped?: number
      readonly reason?: string
    }
  | { readonly type: 'lag'; readonly lag: LoopLag }
  | { readonly type: 'lost-endpoint'; readonly dc: DcName }
  | { readonly type: 'closed' }

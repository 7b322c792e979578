import type { Duration, Interval } from '../core/index.ts'
import type { DrillRecorder } from '../history/index.ts'
import type { DataExchangeOptions } from '../streams/index.ts'
import type { LoadProfile } from './profile.ts'
import type { TupleSource } from './source.ts'
import type { TrafficSchema } from './schema.ts'
import type { Endpoint } from './endpoint.ts'

/** The two data centres, as everywhere. */
export type DcName = 'east' | 'west'

/** What became of a batch, and so of every tuple in it. */
export type Outcome = 'acknowledged' | 'refused' | 'indeterminate'

/** `home`: to the data centre whose work a tuple is, elsewhere when that one fails. `both`: every tuple to both. Or always to one. */
export type Routing = 'home' | 'both' | { readonly pinned: DcName }

/** Where the tuples of one data centre go in and come out: found through its data service, or already prepared. */
export type TrafficDc =
  | {
      readonly data: DataExchangeOptions
      readonly endpoints: {
        /** Name of the job; needed where the service lists several. */
        readonly job?: string
        /** Operator names; the last part of a qualified name is enough. */
        readonly inject: string
        readonly inspect: string
      }
    }
  | { readonly prepared: { readonly inject: Endpoint; readonly inspect: Endpoint } }

/** How a drill sends and collects. */
export interface TrafficOptions {
  readonly dcs: Readonly<Record<DcName, TrafficDc>>
  readonly recorder: DrillRecorder
  /** Seeds keys' order, values and payloads. */
  readonly seed: number
  /** Default: `counterSchema`. */
  readonly schema?: TrafficSchema
  /** Default: `home`. */
  readonly routing?: Routing
  /** Whose work is sent, unless a start says otherwise. Default both; of an active/passive pair the active one's alone. */
  readonly homes?: readonly DcName[]
  readonly contract?: {
    /** An acknowledged tuple is visible at a tap within this time. Default 1s. */
    readonly settle?: Duration
    readonly delivery?: 'at-most-once' | 'at-least-once' | 'exactly-once'
  }
  /** How long {@link TrafficRun.steady} waits unless told otherwise. Default 60s. */
  readonly patience?: Duration
  readonly signal?: AbortSignal
  /** Live progress of waits: what is awaited and what is seen. */
  readonly onProgress?: (text: string) => void
}

/** What to send. */
export interface TrafficStart {
  /** Tuples per second, over all keys. A profile scales it. */
  readonly rate: number
  /** Whose work is sent. Default: as the traffic says, else both. */
  readonly homes?: readonly DcName[]
  /** Number of keys, half of them per home. Default 8. */
  readonly keys?: number
  /** Default: constant. */
  readonly profile?: LoadProfile
  /** How often each home's due tuples are sent off, as one request. Default 20ms. */
  readonly batchEvery?: Duration
  /** Bytes of padding in each tuple. Default 0. */
  readonly payloadBytes?: number
  readonly routing?: Routing
  /** Offer a few tuples to both data centres under the same number, to expose double ownership. Default false: after a data
   * centre has come back, both own its work by the toolkit's rules, and witnesses would say so. Needs routing `home`. */
  readonly witness?: boolean
  /** Send indeterminate tuples once more to the other data centre (at least once). Default false: at most once. */
  readonly resend?: boolean
  /** Rows from a file or a function, instead of the schema's own values. */
  readonly source?: TupleSource
  /** How long an answer is waited for before the batch counts as indeterminate. Default 1s. */
  readonly requestTimeout?: Duration
  /** Ordered connections per home; a key always uses the same one. Default 4. */
  readonly lanes?: number
  /** Requests that may be open on one connection before the next waits for an answer. Default: no limit of its own. */
  readonly pipelining?: number
  /** Requests without an answer per data centre at which the generator counts as saturated. Default 1024. */
  readonly maxInFlight?: number
  /** How late a tuple may be sent before it is given up, as saturation. Default 1s. */
  readonly maxLateness?: Duration
  /** How often each tap is read. Default 20ms. */
  readonly tapEvery?: Duration
  /** Most tuples per request. Default 500. */
  readonly maxBatch?: number
}

/** Live numbers of one home's work. Counts are of tuples. */
export interface HomeStats {
  /** Due by the schedule so far. */
  readonly planned: number
  /** Sent at least once. */
  readonly sent: number
  readonly acknowledged: number
  readonly refused: number
  readonly indeterminate: number
  /** No outcome yet. */
  readonly inFlight: number
  /** Given up before they were sent, because the generator was saturated. */
  readonly shed: number
  /** Different tuples that any tap has shown. */
  readonly seen: number
  /** Where its work goes now. */
  readonly route: DcName
}

/** Live numbers of one tap. */
export interface TapStats {
  readonly up: boolean
  readonly polls: number
  readonly failures: number
  readonly sights: number
  /** Tuples that the server says its buffer dropped unread. */
  readonly dropped: number
  /** Answer of the last good poll; `undefined` before the first. */
  readonly answered: number | undefined
  /** Why the last poll failed. */
  readonly reason: string | undefined
}

/** Milliseconds between the time a batch was due and the time it was sent. */
export interface Lateness {
  readonly p50: number
  readonly p99: number
  readonly max: number
}

/** Live numbers of a run. */
export interface TrafficStats {
  readonly at: number
  readonly homes: Readonly<Record<DcName, HomeStats>>
  readonly taps: Readonly<Record<DcName, TapStats>>
  readonly lateness: Lateness
  /** True once the generator could not keep its schedule. */
  readonly saturated: boolean
}

/** A time when the work of a home went elsewhere, or came back. */
export interface Redirect {
  readonly home: DcName
  readonly from: DcName
  readonly to: DcName
  readonly reason: string
  /** Between the first failure on the client's side and the first request to the other data centre. */
  readonly decided: Interval
  /** First acknowledgement there: the request was sent at `earliest`, answered at `latest`. */
  readonly acknowledged: Interval | undefined
}

/** Traffic that runs. Disposing of it stops it at once, without draining. */
export interface TrafficRun {
  /**
   * Waits until, for that long, every home's tuples were sent at 90% of the planned rate or more, all acknowledged and all seen.
   * The time begins with the call.
   * @throws TimeoutError with what was missing; TrafficError when a worker died; AbortedError
   */
  steady(options: {
    readonly for: Duration
    readonly within?: Duration
    readonly signal?: AbortSignal
  }): Promise<SteadyState>
  /**
   * Waits until a source that ends has given its last row.
   * @throws TimeoutError, TrafficError
   */
  finished(options?: { readonly within?: Duration; readonly signal?: AbortSignal }): Promise<void>
  /**
   * Ends sending, waits for the outstanding outcomes, then until all acknowledged tuples are seen or nothing new came for the
   * settle time after good polls of every tap that is up, and closes the workers. Idempotent.
   * @throws TrafficError when a worker died; TimeoutError
   */
  stop(options?: { readonly within?: Duration; readonly signal?: AbortSignal }): Promise<TrafficStats>
  /** Numbers as of the last report of the workers (some 25 ms old). */
  stats(): TrafficStats
  /** Redirects so far, failbacks included. */
  redirects(): readonly Redirect[]
  /**
   * Sends every home's work to its own data centre again, and waits until each has acknowledged some.
   * @throws TimeoutError, TrafficError
   */
  failback(options?: { readonly within?: Duration; readonly signal?: AbortSignal }): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** When traffic was steady. */
export interface SteadyState {
  /** The stretch of sending times that was held to be steady. */
  readonly at: Interval
  /** Tuples per second that were sent, acknowledged and seen in it. */
  readonly rate: number
}

/** Traffic of a drill: sequence numbers and ledger are shared by its runs, of which one can be active. */
export interface Traffic {
  start(options: TrafficStart): Promise<TrafficRun>
  /** The run started last. */
  readonly current: TrafficRun | undefined
  /** Stops what still runs. */
  [Symbol.asyncDispose](): Promise<void>
}

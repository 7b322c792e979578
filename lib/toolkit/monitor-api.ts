import type { Duration, Observed } from '../core/index.ts'
import type { Observation } from './observation.ts'
import type { DcState, PairView, Takeover } from './view.ts'

/** Options of every wait on a monitor. */
export interface MonitorWaitOptions {
  readonly within: Duration
  readonly signal?: AbortSignal | undefined
}

/** What the traffic part tells the monitor about the data plane of a data centre. */
export interface DataPlaneReport {
  readonly dc: string
  /** Whether tuples are acknowledged and seen there. */
  readonly up: boolean
  /** When, in monotonic milliseconds. */
  readonly at: number
}

/** A change that the monitor noticed. */
export type MonitorChange =
  | { readonly type: 'dc'; readonly state: DcState; readonly news: readonly Observation[] }
  | { readonly type: 'pair'; readonly pair: PairView }

/**
 * Watches both data centres from outside. The toolkit has no API: all here is inferred, with time bounds, and says from what.
 * Disposing of it stops the polling; the clients stay open.
 */
export interface FailoverMonitor {
  readonly dcs: readonly string[]
  /** What is known of a data centre now. */
  state(dc: string): DcState
  /** What both views together mean now. */
  pair(): PairView
  /** Tells of every change; returns how to stop it. */
  onChange(listener: (change: MonitorChange) => void): () => void
  /** Hook for the traffic part. */
  readonly dataPlane: { report(report: DataPlaneReport): void }
  /**
   * Waits until the predicate holds after some cycle. The interval runs from the last cycle in which it did not to the one in
   * which it did.
   * @throws TimeoutError with the last views; AbortedError
   */
  waitFor(
    predicate: (monitor: Pick<FailoverMonitor, 'state' | 'pair'>) => boolean,
    options: MonitorWaitOptions & { readonly describe: string },
  ): Promise<Observed<PairView>>
  /** Waits until the survivor has declared its peer down and handed over the replicated state. `since` (ms) leaves out earlier ones. */
  completedTakeover(
    options: MonitorWaitOptions & { readonly survivor: string; readonly since?: number },
  ): Promise<Takeover>
  /** Waits until both see each other up again; `since` (ms) asks for heartbeats received by both after that. */
  reconverged(options: MonitorWaitOptions & { readonly since?: number }): Promise<Observed<PairView>>
  /** Waits until both (or the named) have received a snapshot after `since` (default: now). */
  snapshotsReplicated(
    options: MonitorWaitOptions & { readonly since?: number; readonly receivers?: readonly string[] },
  ): Promise<Observed<PairView>>
  /**
   * Watches for that long and resolves if no data centre declared its peer down or took anything over.
   * @throws UnexpectedTakeoverError as soon as one does
   */
  noTakeoverDuring(options: {
    readonly for: Duration
    /** Counts from here (ms) instead of from the call. */
    readonly since?: number
    readonly signal?: AbortSignal | undefined
  }): Promise<void>
  /** One line for a live display: `west sees east down since 0.4s; takeover of 1 piece; …`. */
  describe(): string
  [Symbol.asyncDispose](): Promise<void>
}

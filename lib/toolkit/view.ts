import type { Interval } from '../core/index.ts'

/** What a conclusion rests on, strongest first (toolkit reference §13). */
export type EvidenceKind = 'toolkit-metrics' | 'trace' | 'job-health' | 'data-plane' | 'none'

/** The ground of a conclusion. */
export interface Evidence {
  readonly kind: EvidenceKind
  /** One line: which counter, line or state said so. */
  readonly detail: string
  /** Why this is weaker than it could be, e.g. stale metrics; absent when nothing weakens it. */
  readonly degraded?: string
}

/** How a data centre sees the other. `unknown`: nothing tells. */
export type PeerView = 'never-seen' | 'up' | 'down' | 'unknown'

/**
 * A job, or the part of one, at a data centre: `running` (job there, all PEs run), `restarting` (a PE is being started),
 * `impaired` (a PE is stopped or failed), `gone` (no such job, or its instance is down), `unknown`.
 */
export type ApplicationState = 'running' | 'restarting' | 'impaired' | 'gone' | 'unknown'

/** Whether a service answers. */
export type Reachability = 'up' | 'down' | 'unknown'

/** Whether a data centre sends heartbeats now. `silent`: it ticks and sends none (reference §7, rule 3). */
export type Heartbeating = 'sending' | 'silent' | 'unknown'

/**
 * The toolkit's counters of one data centre in the present life of their PEs (they restart from 0 at each relaunch).
 * `undefined`: the metric is not there, which is not 0.
 */
export interface ToolkitCounters {
  /** Status tuples emitted: 0 never seen, odd up, even down. */
  readonly statusChanges: number | undefined
  /** Local ticks (Beacon). */
  readonly ticks: number | undefined
  readonly heartbeatsSent: number | undefined
  readonly heartbeatsReceived: number | undefined
  readonly snapshotSignals: number | undefined
  readonly snapshotsSent: number | undefined
  /** Messages on the data ports: snapshots and control. */
  readonly snapshotsReceived: number | undefined
  /** Pieces of state read for the application: takeover, or own state returned. */
  readonly piecesRead: number | undefined
  /** Pieces of state handed to the application, from whichever source. */
  readonly takeoverPieces: number | undefined
  /** Status tuples that the takeover operator has handled. */
  readonly statusHandled: number | undefined
  /** Special messages handled, e.g. `OrderlyShutdown`. */
  readonly specialMessages: number | undefined
  /** Messages other than heartbeats sent by the preparer (types 3 and 4). */
  readonly controlSent: number | undefined
  /** HTTP answers other than 200 and 204. Refusals and timeouts do not count. */
  readonly rejectedPosts: number | undefined
  /** Heartbeats waiting to be sent: rises when the peer is blackholed. */
  readonly queuedHeartbeats: number | undefined
}

/** All that the monitor concludes about one data centre. */
export interface DcState {
  readonly dc: string
  readonly peerView: PeerView
  /** When that view began. */
  readonly at: Interval
  /** True if the view was so when the monitor first looked: `at` is then the time of the look, not of the change. */
  readonly initial: boolean
  /** Peer losses this data centre declared, over all lives of its PEs that the monitor saw. */
  readonly failovers: number
  /** When it declared them, where the monitor saw it happen. */
  readonly declarations: readonly Interval[]
  /** Takeovers that were seen to their end, in order; the last may belong to the present view. */
  readonly takeovers: readonly Takeover[]
  readonly counters: ToolkitCounters
  readonly heartbeatsSent: number | undefined
  readonly heartbeatsReceived: number | undefined
  readonly snapshotsSent: number | undefined
  readonly snapshotsReceived: number | undefined
  /** Pieces taken over since the present view began. */
  readonly takeoverPieces: number
  /** Launches of the PE that holds the watchdog. */
  readonly launchCount: number | undefined
  /** Relaunches of toolkit PEs seen while monitored. */
  readonly relaunches: number
  readonly heartbeating: Heartbeating
  /** When the last heartbeat and the last message on a data port (snapshot or control) were seen to arrive. */
  readonly heartbeatReceivedAt: Interval | undefined
  readonly snapshotReceivedAt: Interval | undefined
  /** `OrderlyShutdown` was handled in the present life of the preparer's PE. */
  readonly quiesced: boolean
  /** The application's job. In active/passive the passive side has none until it takes over. */
  readonly application: ApplicationState
  /** The PEs that run the toolkit, in whichever job. */
  readonly toolkit: ApplicationState
  readonly management: Reachability
  readonly dataService: Reachability
  /** The receivers of the other data centre's messages, where they can be probed. */
  readonly crossDcPorts: Reachability
  readonly dataPlane: Reachability
  /** When the newest answer that showed a new collection arrived; `undefined` before the first. */
  readonly freshAt: number | undefined
  /** Whatever the watchdog declared before this instant is known, as far as its counters live on. */
  readonly coveredUntil: number | undefined
  readonly stale: boolean
  readonly evidence: Evidence
}

/** What the two views together mean. */
export type PairState =
  | 'never-seen'
  | 'normal'
  | 'peer-crashed'
  | 'one-way-loss'
  | 'split-brain'
  | 'stuck-split-brain'
  | 'restarting'
  | 'orderly-shutdown'
  | 'unknown'

/** The part of a {@link DcState} that classification uses. */
export interface ClassifiedView {
  readonly dc: string
  readonly peerView: PeerView
  /** The PEs that run the toolkit. */
  readonly toolkit: ApplicationState
  readonly heartbeating: Heartbeating
  readonly quiesced: boolean
  readonly management: Reachability
  readonly dataPlane: Reachability
  /** PE relaunches or new jobs seen, or failovers declared: this pair had contact before. */
  readonly relaunches: number
  readonly failovers: number
  readonly evidence: Evidence
}

/** The pair's state with its ground. */
export interface PairClassification {
  readonly state: PairState
  /** The data centre that the state is about: the crashed, the deaf, the restarting or the quiesced one. */
  readonly subject?: string
  /** One line for people. */
  readonly detail: string
  readonly evidence: Evidence
}

/** The pair's state, and since when. */
export interface PairView extends PairClassification {
  readonly at: Interval
}

/** A takeover as the monitor saw it. */
export interface Takeover {
  readonly survivor: string
  /** The survivor's watchdog declared the peer down. */
  readonly detection: Interval
  /** The last piece of state was handed to the application (or, active/passive, the launched application runs). */
  readonly takeover: Interval
  readonly pieces: number
  readonly evidence: Evidence
}

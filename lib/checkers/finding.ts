import type { Interval, Span, Verdict } from '../core/index.ts'
import type { DcName, GroundTruth } from '../history/index.ts'

/** A value that JSON can carry without loss: no bigint, no NaN. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/** One thing that a finding rests on. Instants are milliseconds on the drill's clock. */
export interface Evidence {
  readonly note: string
  readonly seq?: number
  readonly key?: string
  readonly dc?: DcName
  readonly sentAt?: number
  /** After the poll that did not show it, before the answer that did. */
  readonly seen?: Interval
  /** File of the drill's directory and byte offset of the record. */
  readonly file?: string
  readonly offset?: number
}

/** What a checker says about a drill. */
export interface Finding {
  readonly name: string
  readonly verdict: Verdict
  /** False when the drill gave this check nothing to judge (e.g. reconvergence when nothing was healed). */
  readonly applies: boolean
  /** One sentence for a reader who did not write the spec. */
  readonly summary: string
  readonly detail: { readonly [key: string]: Json }
  /** The first offending things; how many there are in all stands in `detail`. */
  readonly evidence: readonly Evidence[]
  /** What the spec said this check would say; `met` is null while the check itself is inconclusive. */
  readonly expectation?: { readonly verdict: Verdict; readonly because: string; readonly met: boolean | null }
}

/** A condition without which a verdict would not mean much. `inconclusive` when it is not met. */
export interface Gate {
  readonly name: string
  readonly verdict: Verdict
  readonly summary: string
  readonly detail: { readonly [key: string]: Json }
}

/** Times of the stages of a recovery, counted from the outage. Null: not observed. */
export interface Stages {
  readonly detection: Span | null
  readonly takeover: Span | null
  readonly firstOutput: Span | null
  readonly steady: Span | null
}

/** How long the work of a data centre stood still. Instants are milliseconds on the drill's clock. */
export interface RtoMeasurement {
  readonly dc: DcName
  readonly reason: string
  readonly outage: Interval
  /** The first tuple sent after the outage, of the work that was the data centre's own, that was processed anywhere. */
  readonly recovery: Interval | null
  /** The data centre at which it was. */
  readonly recoveredAt: DcName | null
  /** Recovery minus outage; null if no recovery was seen. */
  readonly span: Span | null
  /** Lower bound of the time without service when no recovery was seen: from the outage to the last look. */
  readonly notBeforeMs: number | null
  readonly stages: Stages
}

/** What was lost. */
export interface RpoMeasurement {
  /** Acknowledged tuples that no tap ever showed. */
  readonly lostTuples: number
  /** Acknowledged tuples whose fate the taps cannot tell (overrun, still in flight at the end, blind tap). */
  readonly unknownTuples: number
  /** Tuples that were never acknowledged nor refused, and never seen: allowed to be missing. */
  readonly indeterminateTuples: number
  /** Tuples that every data centre refused: unavailability, not loss. */
  readonly refusedTuples: number
  /**
   * Seconds of data that are missing: lost tuples less than a second apart by send time form a stretch; each stretch counts
   * from its first to its last send time plus one mean gap between tuples.
   */
  readonly lostSeconds: number
  /** Age of the state that the survivor started from, the oldest of all adopted keys; null if it could not be told. */
  readonly stateAge: Span | null
  /** Upper bound of `stateAge` in seconds. */
  readonly stateAgeSeconds: number | null
  /** Updates of adopted keys that the survivor's state did not hold. */
  readonly lostStateUpdates: number | null
}

/** All that can be said about a drill: the content of `drill.json`. */
export interface DrillFindings {
  readonly verdict: Verdict
  /** The longest of `outages`; null if there was no outage. */
  readonly rto: RtoMeasurement | null
  readonly outages: readonly RtoMeasurement[]
  readonly rpo: RpoMeasurement | null
  readonly findings: readonly Finding[]
  readonly gates: readonly Gate[]
  readonly groundTruth: GroundTruth | null
}

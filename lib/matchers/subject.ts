import type { DrillFindings } from '../checkers/index.ts'
import type { Duration, Interval, Span, Verdict } from '../core/index.ts'

/** What is at most to be lost, as a matcher or an environment states it. */
export interface RpoObjective {
  /** Acknowledged tuples that may be missing. */
  readonly tuples?: number | undefined
  /** Length of acknowledged data that may be missing, e.g. `'2s'`. */
  readonly time?: Duration | undefined
  /** How old the state may be with which the survivor went on. */
  readonly stateAge?: Duration | undefined
}

/** Agreed objectives of an environment. */
export interface DrillObjectives {
  readonly rto?: Duration | undefined
  readonly rpo?: RpoObjective | undefined
}

/** What matchers are called on: a drill with its history on disk. */
export interface Drill {
  readonly name: string
  /** Where the history, the tuple log and the findings lie. */
  readonly directory: string
  readonly environment: {
    readonly objectives: DrillObjectives
    /** Only the tuples of unknown fate that a verdict may carry are read. */
    readonly contract?: { readonly maxUnknown?: number | undefined } | undefined
  }
  /** Judges what was recorded so far; the fixtures flush the recorder first. */
  findings(): Promise<DrillFindings>
  /** Leaves a note on the running test; Vitest refuses it once the body has ended. */
  annotate?(message: string, type: string): Promise<void>
  /**
   * Told when a matcher has found a check to fail as the spec says it should (`toHaveSplitBrain`, `.not.toHaveNoLoss`), so that
   * the drill's own verdict takes it into account.
   */
  expects?(check: string, verdict: Verdict, because: string): void
}

/** A length that was predicted from the toolkit's configuration, beside the one that was measured. */
export interface Expectation {
  /** `detection`, `takeover`, … */
  readonly what: string
  readonly predicted: Span
  readonly measured: Span
  /** The rule that it follows from, for the message. */
  readonly rule?: string | undefined
}

/** A completed takeover, as the failover monitor saw it, with what was predicted for it. */
export interface TakeoverSubject {
  readonly survivor: string
  readonly detection: Interval
  readonly takeover: Interval
  /** What the conclusion rests on. */
  readonly evidence?: { readonly kind: string; readonly detail: string; readonly degraded?: string } | undefined
  readonly expectations: readonly Expectation[]
  /** Where the drill's files lie. */
  readonly directory?: string | undefined
}

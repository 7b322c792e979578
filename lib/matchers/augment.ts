/**
 * The types that {@link installMatchers} adds to Vitest: the only such augmentation. Vitest 4 declares `Matchers<T>`; on 5 the
 * interface is `Matchers<R, T>` and each member returns `Promise<R>` or `R`.
 * @module
 */
import type { Duration } from '../core/index.ts'
import type { RpoObjective } from './subject.ts'

/** Matchers on a drill; each is to be awaited. */
export interface DrillMatchers {
  /** The service was back within the objective: the environment's, or the given one. */
  toMeetRto(objective?: Duration): Promise<void>
  /** No more was lost than the objective allows: the environment's, or the given one. */
  toMeetRpo(objective?: RpoObjective): Promise<void>
  /** No acknowledged tuple was lost. */
  toHaveNoLoss(): Promise<void>
  /** No tuple came out twice. */
  toHaveNoDuplicates(): Promise<void>
  /** The tuples of each key came out in the order in which they were sent. */
  toKeepOrder(): Promise<void>
  /** Every tuple came out as it was sent, and none out of nothing. */
  toHaveIntegrity(): Promise<void>
  /** The application computed what it should from every tuple. */
  toTransformCorrectly(): Promise<void>
  /** Throughput came back to what it was before the fault. */
  toSustainThroughput(): Promise<void>
  /** Never did both data centres act for the same work. */
  toHaveNoSplitBrain(): Promise<void>
  /** Both data centres acted for the same work: what a cut network is expected to do. */
  toHaveSplitBrain(): Promise<void>
  /** After the heal the pair saw each other up and replicated again. */
  toReconverge(): Promise<void>
  /** The survivor went on with state as fresh as was agreed. */
  toHaveFreshState(): Promise<void>
  /** Work went on with empty state: what an outage that nobody notices is expected to do. */
  toLoseItsState(): Promise<void>
  /** No takeover happened: what an outage shorter than the toolkit's patience is expected to do. */
  toHaveNoTakeover(): Promise<void>
}

/** Matchers on a completed takeover. */
export interface TakeoverMatchers {
  /** Detection and takeover took as long as the toolkit's own rules predict from its configuration. */
  toMatchPrediction(): void
}

declare module 'vitest' {
  // The parameter must be named and defaulted as Vitest does it.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any, @typescript-eslint/no-unused-vars
  interface Matchers<T = any> extends DrillMatchers, TakeoverMatchers {}
}

import type { Interval } from '../core/index.ts'
import type { DcName } from '../history/index.ts'
import type { Evidence, Fault } from './definition.ts'

/** States of a fault. `failed` says in its record what was undone. */
export type FaultState = 'planned' | 'armed' | 'injected' | 'confirmed' | 'healing' | 'healed' | 'failed'

/** What healing achieved. */
export interface Healed {
  /** From the first undo command until the absence of the effect was measured. */
  readonly at: Interval
  readonly evidence: Evidence
}

/** A fault that is on. `await using` heals it at the end of the scope. */
export interface ActiveFault {
  readonly id: string
  readonly kind: string
  readonly target: string
  /** The data centre that is hit, if it is one. */
  readonly affects: DcName | undefined
  readonly state: FaultState
  /** When the commands took effect: from before the first until after the last. */
  readonly injected: Interval
  /** When the effect was measured. */
  readonly confirmed: Interval
  /** When service of {@link affects} ended; present for kinds that end it. */
  readonly outage?: Interval
  /** What the confirmation measured. */
  readonly evidence: Evidence
  /** Idempotent: later calls return what the first achieved. Verified: rejects if the effect is still there. */
  heal(): Promise<Healed>
  [Symbol.asyncDispose](): Promise<void>
}

/** What became of one fault in {@link FaultEngine.healAll}. */
export interface HealReport {
  readonly id: string
  readonly kind: string
  readonly target: string
  readonly healed?: Healed
  readonly error?: Error
}

/** Options of an injection. */
export interface InjectOptions {
  /** Ends it while it is under way: what was done is undone. */
  readonly signal?: AbortSignal
}

/** Injects faults, one environment's budget at a time, and heals them whatever happens. */
export interface FaultEngine {
  /**
   * Surveys, plans, arms, injects and confirms.
   * @throws FaultRefusedError before anything is touched (production, budget, blast radius, capability); FaultNotConfirmedError and
   * FaultFailedError after everything was undone
   */
  inject(fault: Fault, options?: InjectOptions): Promise<ActiveFault>
  /**
   * Looks whether a fault would be refused before anything is touched, with that many more faults on than there are now.
   * @throws FaultRefusedError
   */
  check(fault: Fault, beside?: number): void
  /** What would be done, and the exact undo, as text. Touches nothing. */
  dryRun(fault: Fault): Promise<string>
  /** Heals everything that is on, all at once, and gives up what is being injected. Never rejects: see the reports. */
  healAll(reason: string): Promise<readonly HealReport[]>
  /** Aborted, with the reason, when a stop condition has ended the drill: everything is healed, and nothing more is injected. */
  readonly stopped: AbortSignal
  /** What is on. */
  readonly active: readonly ActiveFault[]
  /**
   * Why what was measured proves nothing: faults that were not confirmed, failed, were undone by their host behind our back, or
   * could not be healed. Empty if all is well.
   */
  readonly doubts: readonly string[]
  /** Heals everything; then injects no more. Rejects if anything could not be healed. */
  [Symbol.asyncDispose](): Promise<void>
}

import { toMs, type Duration } from '../core/index.ts'

/** What a real system adds to the formulas of the toolkit. Kept apart from them, and stated with every prediction. */
export interface ToleranceOptions {
  /** From a message's sending to its arrival. Default 50ms. */
  readonly transfer?: Duration
  /** From an instant at which a process should act to its action. Default 100ms. */
  readonly scheduling?: Duration
  /** By how much a tick is longer than its period: the Beacon sleeps the period *after* each submit. Default 5ms. */
  readonly driftPerTick?: Duration
  /** To read the stored snapshots and hand them to the application. Default 100ms. */
  readonly takeover?: Duration
  /** From the takeover to the first tuple of the taken-over work that is processed. Default 250ms. */
  readonly firstOutput?: Duration
  /** Active/passive: from the launch script's start to a running application. Default 10s. */
  readonly launch?: Duration
}

/** {@link ToleranceOptions} in milliseconds. */
export interface Tolerance {
  readonly transferMs: number
  readonly schedulingMs: number
  readonly driftPerTickMs: number
  readonly takeoverMs: number
  readonly firstOutputMs: number
  readonly launchMs: number
}

/** The tolerance with its defaults. A plain duration is the scheduling tolerance. */
export function resolveTolerance(options: Duration | ToleranceOptions = {}): Tolerance {
  const given: ToleranceOptions = typeof options === 'string' ? { scheduling: options } : options
  return {
    transferMs: toMs(given.transfer ?? '50ms'),
    schedulingMs: toMs(given.scheduling ?? '100ms'),
    driftPerTickMs: toMs(given.driftPerTick ?? '5ms'),
    takeoverMs: toMs(given.takeover ?? '100ms'),
    firstOutputMs: toMs(given.firstOutput ?? '250ms'),
    launchMs: toMs(given.launch ?? '10s'),
  }
}

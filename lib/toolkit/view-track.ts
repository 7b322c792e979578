import type { Interval } from '../core/index.ts'
import type { CounterChange } from './counter-track.ts'
import type { Evidence, PeerView } from './view.ts'

/** The peer as it was seen from some time on. */
export interface ViewStep {
  readonly value: PeerView
  readonly at: Interval
  /** It was so at the first look: `at` is the time of the look. */
  readonly initial: boolean
  readonly evidence: Evidence
}

/** Follows how a data centre sees its peer. */
export class ViewTrack {
  readonly #declarations: Interval[] = []
  #current: ViewStep
  #hidden = true
  #failovers = 0
  #lookedAfter = 0

  /** @param reason why nothing is known yet */
  constructor(reason: string) {
    const never = { earliest: 0, latest: 0 }
    this.#current = { value: 'unknown', at: never, initial: true, evidence: { kind: 'none', detail: reason } }
  }

  get current(): ViewStep {
    return this.#current
  }

  /** True while nothing shows the view. */
  get hidden(): boolean {
    return this.#hidden
  }

  get failovers(): number {
    return this.#failovers
  }

  get declarations(): readonly Interval[] {
    return this.#declarations
  }

  /** The last look at the watchdog's counter was not answered before this. */
  get lookedAfter(): number {
    return this.#lookedAfter
  }

  /** Nothing shows the view any more. */
  hide(): void {
    this.#hidden = true
  }

  /**
   * What the watchdog's count of status tuples says: 0 never seen, odd up, even down, one step per tuple (toolkit reference
   * §13.1). The steps are not taken yet.
   */
  steps(count: number | undefined, change: CounterChange | undefined, at: Interval): readonly ViewStep[] {
    if (count === undefined) {
      if (this.#current.evidence.kind === 'toolkit-metrics') this.#hidden = true
      return []
    }
    this.#lookedAfter = at.earliest
    const detail = `RemoteDataCenterHeartbeatWatchdog submitted ${count} status tuples`
    const evidence: Evidence = { kind: 'toolkit-metrics', detail }
    if (change?.initial) {
      this.#failovers += Math.floor(count / 2)
      return [{ value: viewOf(count), at: change.at, initial: true, evidence }]
    }
    if (change) {
      const steps = Array.from({ length: count - (change.from ?? 0) }, (_, step) =>
        viewOf((change.from ?? 0) + step + 1),
      )
      const views: readonly PeerView[] = change.relaunched ? ['never-seen', ...steps] : steps
      return views.map((value) => ({ value, at: change.at, initial: false, evidence }))
    }
    if (this.#current.evidence.kind !== 'toolkit-metrics')
      return [{ value: viewOf(count), at, initial: true, evidence }]
    this.#hidden = false
    return []
  }

  /** Takes a step. */
  take(step: ViewStep): void {
    this.#current = step
    this.#hidden = false
    if (step.value !== 'down' || step.initial) return
    this.#failovers++
    this.#declarations.push(step.at)
  }
}

function viewOf(statusTuples: number): PeerView {
  if (statusTuples === 0) return 'never-seen'
  return statusTuples % 2 === 1 ? 'up' : 'down'
}

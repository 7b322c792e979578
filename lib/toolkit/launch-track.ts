import type { Interval } from '../core/index.ts'
import type { ApplicationState, Evidence, Takeover } from './view.ts'

/**
 * Follows an active/passive takeover: there the toolkit only tells, and the takeover is the application that a script of the
 * passive watcher launches (reference §11, S14).
 */
export class LaunchTrack {
  readonly #survivor: string
  #watcher = false
  #awaited: { readonly detection: Interval; readonly evidence: Evidence } | undefined

  constructor(survivor: string) {
    this.#survivor = survivor
  }

  /** True while the toolkit runs in a job that is not the application's. */
  get passive(): boolean {
    return this.#watcher
  }

  /** The toolkit was seen, in the application's own job or in another. */
  seen(inApplication: boolean): void {
    if (!inApplication) this.#watcher = true
  }

  /** The watcher declared the peer down. */
  begin(detection: Interval, evidence: Evidence): void {
    this.#awaited = { detection, evidence }
  }

  /** The peer is up again. */
  end(): void {
    this.#awaited = undefined
  }

  /** True if the application came although no declaration was seen: the watcher has ended before it could be. */
  unannounced(before: ApplicationState, state: ApplicationState): boolean {
    return this.#watcher && !this.#awaited && before === 'gone' && (state === 'restarting' || state === 'running')
  }

  /** The application's job is in another state. @returns the takeover, once, when the application runs */
  application(state: ApplicationState, at: Interval): Takeover | undefined {
    const awaited = this.#awaited
    if (!awaited || state !== 'running') return undefined
    this.#watcher = false
    this.#awaited = undefined
    const { detection, evidence } = awaited
    return {
      survivor: this.#survivor,
      detection,
      takeover: {
        earliest: Math.max(detection.earliest, at.earliest),
        latest: Math.max(detection.latest, at.latest),
      },
      pieces: 0,
      evidence: { ...evidence, kind: 'job-health', detail: 'the application was launched, and runs' },
    }
  }
}

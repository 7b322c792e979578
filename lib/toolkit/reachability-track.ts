import type { Interval } from '../core/index.ts'
import type { Reachability } from './view.ts'

/**
 * Follows whether a service answers. One failed try proves little: a refusal counts when the next try fails too, a silence when
 * it has lasted for `patienceMs`.
 */
export class ReachabilityTrack {
  readonly #patienceMs: number
  #state: Reachability = 'unknown'
  #lastGoodAsked: number | undefined
  #lastBadAsked: number | undefined
  #firstFailure: { readonly asked: number; readonly answered: number } | undefined

  constructor(patienceMs: number) {
    this.#patienceMs = patienceMs
  }

  get state(): Reachability {
    return this.#state
  }

  /** The service answered. @returns the change, if it is one */
  answered(asked: number, answered: number): Interval | undefined {
    this.#lastGoodAsked = asked
    this.#firstFailure = undefined
    if (this.#state === 'up') return undefined
    this.#state = 'up'
    return { earliest: this.#lastBadAsked ?? asked, latest: answered }
  }

  /** The service did not answer. `certain`: it refused, so that two in a row are enough. */
  failed(asked: number, answered: number, certain: boolean): Interval | undefined {
    this.#lastBadAsked = asked
    const first = this.#firstFailure
    this.#firstFailure ??= { asked, answered }
    if (this.#state === 'down') return undefined
    const enough = certain ? first !== undefined : answered - (first ?? { asked }).asked >= this.#patienceMs
    if (!enough) return undefined
    this.#state = 'down'
    return { earliest: this.#lastGoodAsked ?? (first ?? { asked }).asked, latest: (first ?? { answered }).answered }
  }
}

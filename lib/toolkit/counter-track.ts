import type { Interval } from '../core/index.ts'
import type { CounterSample } from './sample.ts'

/** What a new collection said about a counter. */
export interface CounterChange {
  /** When the counter changed, or its process was launched anew. */
  readonly at: Interval
  /** The value in the same life before; undefined when the counter is seen for the first time or in a new life. */
  readonly from: number | undefined
  readonly to: number
  /** The process that counts was launched anew: it counts from 0. */
  readonly relaunched: boolean
  /** First sight: `at` is the time of the look. */
  readonly initial: boolean
}

/**
 * Follows one counter over polls and bounds when it changed.
 *
 * Values are collected by the server at times of its own and may be old when they are served. No remote clock is used; what is
 * known is which *collection* an answer is from. A collection that poll j is the first to return was not there when the answered
 * poll before j was served, so it was taken after that poll was asked. A change between this collection and a later one, which
 * poll i is the first to return, therefore lies in (asked before j, answered i].
 */
export class CounterTrack {
  #seen: { readonly sample: CounterSample; readonly takenAfter: number } | undefined
  #lastAsked = 0

  /** The latest value, if any was seen. */
  get value(): number | undefined {
    return this.#seen?.sample.value
  }

  /** Polls must come in order. A poll whose answer lacks the counter is left out. */
  observe(sample: CounterSample, asked: number, answered: number): CounterChange | undefined {
    const before = this.#seen
    const lastAsked = this.#lastAsked
    this.#lastAsked = asked
    if (!before) {
      this.#seen = { sample, takenAfter: 0 }
      return {
        at: { earliest: asked, latest: answered },
        from: undefined,
        to: sample.value,
        relaunched: false,
        initial: true,
      }
    }
    const { life, value, collection } = before.sample
    const relaunched = sample.life !== life || sample.value < value
    if (!relaunched && sample.collection === collection && sample.value === value) return undefined
    this.#seen = { sample, takenAfter: lastAsked }
    if (!relaunched && sample.value === value) return undefined
    const at = { earliest: before.takenAfter, latest: answered }
    return { at, from: relaunched ? undefined : value, to: sample.value, relaunched, initial: false }
  }

  /** The newest collection was not taken before this: what happened earlier is in it. */
  get takenAfter(): number | undefined {
    return this.#seen?.takenAfter
  }

  /** The newest collection, to tell whether anything is still collected. */
  get collection(): string | undefined {
    return this.#seen?.sample.collection
  }
}

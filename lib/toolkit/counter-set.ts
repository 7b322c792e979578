import { CounterTrack, type CounterChange } from './counter-track.ts'
import { counterNames, type SiteSample } from './sample.ts'
import type { CounterChanges } from './sending-track.ts'
import type { ToolkitCounters } from './view.ts'

/** Follows all counters of one data centre. */
export class CounterSet {
  readonly #tracks = new Map<keyof ToolkitCounters, CounterTrack>(
    counterNames.map((name) => [name, new CounterTrack()]),
  )
  #values: ToolkitCounters = noCounters()
  #freshAt: number | undefined

  /** What the latest answer showed. */
  get values(): ToolkitCounters {
    return this.#values
  }

  /** When the latest answer with a new collection arrived. */
  get freshAt(): number | undefined {
    return this.#freshAt
  }

  /** Every status tuple submitted before this was counted. */
  get coveredUntil(): number | undefined {
    return this.#tracks.get('statusChanges')?.takenAfter
  }

  /** Takes an answer. `fresh`: it showed a collection that the answer before did not. */
  observe(sample: SiteSample): { readonly changes: CounterChanges; readonly fresh: boolean } {
    const changes: { -readonly [Name in keyof CounterChanges]: CounterChange } = {}
    const values = noCounters()
    let fresh = false
    for (const [name, track] of this.#tracks) {
      const seen = sample.counters[name]
      if (!seen) continue
      values[name] = seen.value
      fresh ||= seen.collection !== track.collection
      const change = track.observe(seen, sample.asked, sample.answered)
      if (change) changes[name] = change
    }
    this.#values = values
    if (fresh) this.#freshAt = sample.answered
    return { changes, fresh }
  }
}

function noCounters(): Record<keyof ToolkitCounters, number | undefined> {
  return Object.fromEntries(counterNames.map((name) => [name, undefined])) as Record<keyof ToolkitCounters, undefined>
}

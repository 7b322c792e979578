import { f64At } from '../../history/index.ts'
import type { Interval } from '../../core/index.ts'

/**
 * When a key's running count reached which value at a data centre: the last few hundred steps exactly, older ones thinned out,
 * so that memory does not grow with the number of tuples.
 */
export class StateHistory {
  readonly #capacity: number
  readonly #mask: number
  readonly #recent: Samples
  #old: Samples | undefined
  #stride = 1
  #skipped = 0

  /** `capacity`: how many steps are kept exactly; a power of two. */
  constructor(capacity: number) {
    this.#capacity = capacity
    this.#mask = capacity - 1
    this.#recent = samples(capacity)
  }

  add(count: number, earliest: number, latest: number): void {
    const ring = this.#recent
    if (ring.length > 0 && count <= f64At(ring.count, (ring.start + ring.length - 1) & this.#mask)) {
      // A count that falls means that the state was set back: what was before does not belong to this state.
      ring.start = 0
      ring.length = 0
      if (this.#old) this.#old.length = 0
    }
    if (ring.length === this.#capacity) {
      this.#retire(ring.start)
      ring.start = (ring.start + 1) & this.#mask
      ring.length--
    }
    const slot = (ring.start + ring.length++) & this.#mask
    ring.count[slot] = count
    ring.earliest[slot] = earliest
    ring.latest[slot] = latest
  }

  /** When the count became `count`; null if that was before all that is known. */
  reached(count: number): Interval | null {
    let earliest: number | undefined
    for (const list of this.#old ? [this.#old, this.#recent] : [this.#recent]) {
      for (let i = 0; i < list.length; i++) {
        const slot = (list.start + i) & this.#mask
        const value = f64At(list.count, slot)
        if (value === count) return { earliest: f64At(list.earliest, slot), latest: f64At(list.latest, slot) }
        if (value > count) {
          return earliest === undefined ? null : { earliest, latest: Math.max(earliest, f64At(list.latest, slot)) }
        }
        earliest = f64At(list.earliest, slot)
      }
    }
    return null
  }

  /** When the first step that is known was taken; null if none is. */
  first(): Interval | null {
    const list = this.#old && this.#old.length > 0 ? this.#old : this.#recent
    if (list.length === 0) return null
    return { earliest: f64At(list.earliest, list.start), latest: f64At(list.latest, list.start) }
  }

  #retire(slot: number): void {
    const old = (this.#old ??= samples(this.#capacity))
    if (this.#skipped++ % this.#stride !== 0) return
    if (old.length === this.#capacity) {
      for (let i = 0; i * 2 < old.length; i++) {
        old.count[i] = f64At(old.count, i * 2)
        old.earliest[i] = f64At(old.earliest, i * 2)
        old.latest[i] = f64At(old.latest, i * 2)
      }
      old.length = Math.ceil(old.length / 2)
      this.#stride *= 2
    }
    const next = old.length++
    old.count[next] = f64At(this.#recent.count, slot)
    old.earliest[next] = f64At(this.#recent.earliest, slot)
    old.latest[next] = f64At(this.#recent.latest, slot)
  }
}

interface Samples {
  readonly count: Float64Array
  readonly earliest: Float64Array
  readonly latest: Float64Array
  start: number
  length: number
}

function samples(capacity: number): Samples {
  return {
    count: new Float64Array(capacity),
    earliest: new Float64Array(capacity),
    latest: new Float64Array(capacity),
    start: 0,
    length: 0,
  }
}

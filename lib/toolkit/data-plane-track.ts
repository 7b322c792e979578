import type { Interval } from '../core/index.ts'
import type { Reachability } from './view.ts'

/** Follows what the traffic says about a data centre. */
export class DataPlaneTrack {
  #state: Reachability = 'unknown'
  #at = 0

  get state(): Reachability {
    return this.#state
  }

  /** The traffic saw the data plane up or down. @returns when that changed, if it did */
  report(up: boolean, at: number): Interval | undefined {
    const before = { state: this.#state, at: this.#at }
    this.#state = up ? 'up' : 'down'
    this.#at = at
    if (before.state === this.#state) return undefined
    return { earliest: before.state === 'unknown' ? at : Math.min(before.at, at), latest: at }
  }
}

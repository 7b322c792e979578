import type { KeyState } from '../../../toolkit/application-state.ts'

/** A tuple of `Ingest`. */
export interface InputTuple {
  readonly seq: number
  readonly key: string
  readonly home: string
  readonly keySeq: number
  readonly sentAt: number
  readonly value: number
  readonly payload: string
  readonly checksum: number
}

/** A tuple of `Results`. */
export interface OutputTuple extends InputTuple {
  readonly count: number
  readonly sum: number
  readonly dc: string
}

/** The application's state: count and sum per key, and the homes whose work is done here. */
export class KeyCounts {
  readonly #dc: string
  readonly #state = new Map<string, KeyState>()
  readonly #owned: Set<string>

  constructor(dc: string, owned: readonly string[]) {
    this.#dc = dc
    this.#owned = new Set(owned)
  }

  get owned(): ReadonlySet<string> {
    return this.#owned
  }

  /** Takes all work over. False if nothing changed. */
  ownAll(): boolean {
    const before = this.#owned.size
    this.#owned.add('east').add('west')
    return this.#owned.size > before
  }

  /** The result for a tuple. `error` is what a planted defect adds to the count. */
  count(tuple: InputTuple, error = 0): OutputTuple {
    let state = this.#state.get(tuple.key)
    if (!state) this.#state.set(tuple.key, (state = { home: tuple.home, count: 0, sum: 0, lastSeq: 0 }))
    state.count += 1 + error
    state.sum += tuple.value
    state.lastSeq = tuple.seq
    return { ...tuple, count: state.count, sum: state.sum, dc: this.#dc }
  }

  /** A copy of the state of the keys that are owned here. */
  snapshot(): Map<string, KeyState> {
    const copy = new Map<string, KeyState>()
    for (const [key, state] of this.#state) if (this.#owned.has(state.home)) copy.set(key, { ...state })
    return copy
  }

  /** Merges a snapshot: of two states of a key, the one that counted further wins. */
  adopt(snapshot: ReadonlyMap<string, KeyState>): { readonly keys: number; readonly items: number } {
    let keys = 0
    let items = 0
    for (const [key, state] of snapshot) {
      if ((this.#state.get(key)?.count ?? 0) >= state.count) continue
      this.#state.set(key, { ...state })
      keys++
      items += state.count
    }
    return { keys, items }
  }
}

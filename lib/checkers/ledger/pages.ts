import { u8At } from '../../history/index.ts'

/** Tuples per page. */
export const PAGE = 4096

/** What is known of a tuple in an open page; bits add up. `east << dc` is the bit of a data centre. */
export const State = { sent: 1, many: 2, east: 4, west: 8, toWest: 16 } as const

/** Tuples whose fate is still open, by number within the page. Used again for another page once it is closed. */
export class OpenPage {
  index = -1
  readonly sentAt = new Float64Array(PAGE)
  readonly value = new Float64Array(PAGE)
  readonly key = new Uint32Array(PAGE)
  readonly keySeq = new Uint32Array(PAGE)
  readonly batch = new Uint32Array(PAGE)
  /** Number of the record of the latest attempt. */
  readonly send = new Uint32Array(PAGE)
  readonly state = new Uint8Array(PAGE)

  /** Makes it the empty page of that number. What is not marked as sent is not looked at. */
  reset(index: number): this {
    this.index = index
    this.state.fill(0)
    return this
  }
}

/** What remains of a tuple in a closed page. */
export const Fate = { unsent: 0, seen: 1, both: 2, pending: 3, refused: 4, seenEast: 5, seenWest: 6 } as const

/** Exceptions in a closed page beyond which a byte per tuple is cheaper. */
const SPARSE = 256

/**
 * A page whose tuples have met their fate. Most have been seen once at the data centre to which all of their home went, and
 * need no memory of their own.
 */
export class ClosedPage {
  /** Where tuples with fate `seen` were seen, per home. */
  readonly where: readonly [0 | 1, 0 | 1]
  #sparse: Map<number, number> | undefined
  #dense: Uint8Array | undefined

  constructor(where: readonly [0 | 1, 0 | 1], fates: Uint8Array) {
    this.where = where
    let exceptions = 0
    for (let i = 0; i < PAGE; i++) if (u8At(fates, i) !== Fate.seen) exceptions++
    if (exceptions > SPARSE) {
      this.#dense = fates.slice()
    } else if (exceptions > 0) {
      this.#sparse = new Map()
      for (let i = 0; i < PAGE; i++) if (u8At(fates, i) !== Fate.seen) this.#sparse.set(i, u8At(fates, i))
    }
  }

  fate(slot: number): number {
    if (this.#dense) return u8At(this.#dense, slot)
    return this.#sparse?.get(slot) ?? Fate.seen
  }

  setFate(slot: number, fate: number): void {
    if (this.#dense) {
      this.#dense[slot] = fate
      return
    }
    this.#sparse ??= new Map()
    this.#sparse.set(slot, fate)
    if (this.#sparse.size <= SPARSE) return
    this.#dense = new Uint8Array(PAGE).fill(Fate.seen)
    for (const [index, value] of this.#sparse) this.#dense[index] = value
    this.#sparse = undefined
  }
}

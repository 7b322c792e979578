import type { TupleFact } from './exceptions.ts'

/** Sights that can be kept; beyond this many they count as phantoms at once. */
const MOST = 65_536

/** A sight of a number that nobody has sent, so far. */
export interface Orphan {
  readonly seq: number
  readonly record: number
  readonly dc: 0 | 1
  readonly key: number
  readonly keySeq: number
  readonly value: number
  readonly count: number
  readonly sum: number
  readonly answered: number
  readonly previousAsked: number
}

/** Sights whose send record has not come along yet. */
export class Orphans {
  readonly #bySeq = new Map<number, Orphan>()

  get size(): number {
    return this.#bySeq.size
  }

  /** False if it cannot be kept: one of that number is waiting already, or there are too many. */
  add(orphan: Orphan): boolean {
    if (this.#bySeq.size >= MOST || this.#bySeq.has(orphan.seq)) return false
    this.#bySeq.set(orphan.seq, orphan)
    return true
  }

  take(seq: number): Orphan | undefined {
    const orphan = this.#bySeq.get(seq)
    this.#bySeq.delete(seq)
    return orphan
  }

  all(): Iterable<Orphan> {
    return this.#bySeq.values()
  }
}

/** An orphan that stayed one. */
export function orphanFact({ seq, key, dc, record, previousAsked, answered }: Orphan): TupleFact {
  const seen = { earliest: previousAsked, latest: answered }
  return { seq, key, dc, seen, file: 'sights', record, note: 'its number was never sent' }
}

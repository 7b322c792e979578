/** A seeded source of randomness. The same seed gives the same values. */
export interface Random {
  readonly seed: number
  /** A fraction in [0, 1). */
  next(): number
  /** A whole number in [low, high]. */
  integer(low: number, high: number): number
  /** One of the items; the list must not be empty. */
  pick<T>(items: readonly T[]): T
  /** An independent source for a part, so that parts do not disturb each other's sequence. */
  fork(label: string): Random
}

/** A random source from a seed (32-bit; mulberry32). */
export function seeded(seed: number): Random {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
  return {
    seed: seed >>> 0,
    next,
    integer: (low, high) => low + Math.floor(next() * (high - low + 1)),
    pick: (items) => {
      const item = items[Math.floor(next() * items.length)]
      if (item === undefined) throw new RangeError('cannot pick from an empty list')
      return item
    },
    fork: (label) => seeded(hash(`${seed}/${label}`)),
  }
}

/** A 32-bit hash of a text (FNV-1a). */
export function hash(text: string): number {
  let h = 0x811c9dc5
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  return h >>> 0
}

/** Which numbers of a key were seen: one bit each. */
export interface SeenSet {
  /** True if the number is new. */
  add(keySeq: number): boolean
}

/** A guard against nonsense numbers taking all memory: 2^27 tuples per key. */
const LARGEST = 0x7ffffff

/** An empty set of numbers from 0. */
export function seenSet(): SeenSet {
  let bits = new Uint8Array(1024)
  return {
    add(keySeq) {
      if (keySeq < 0 || keySeq > LARGEST) return false
      const at = keySeq >>> 3
      if (at >= bits.length) {
        const grown = new Uint8Array(Math.max(at + 1, bits.length * 2))
        grown.set(bits)
        bits = grown
      }
      const mask = 1 << (keySeq & 7)
      const old = bits[at] ?? 0
      if (old & mask) return false
      bits[at] = old | mask
      return true
    },
  }
}

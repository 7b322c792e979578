import { u32At } from '../../history/index.ts'

const BINS = 1024

/** The bits of a 32-bit float above this are its exponent and three bits of its fraction: eight bins per doubling. */
const SHIFT = 20

/** The first bin: 2^-4 ms. */
const FIRST = 0x3d800000 >>> SHIFT

const float = new Float32Array(1)
const bits = new Uint32Array(float.buffer)

/** Histogram of times from sending to being seen (upper bounds), in steps of at most an eighth. */
export class Latencies {
  count = 0
  readonly #bins = new Uint32Array(BINS)

  add(ms: number): void {
    float[0] = ms
    const bin = Math.min(BINS - 1, Math.max(0, (u32At(bits, 0) >>> SHIFT) - FIRST))
    this.#bins[bin] = u32At(this.#bins, bin) + 1
    this.count++
  }

  /** Upper bound of the latency that the share (0 to 1) of all tuples stayed within; null if there were none. */
  quantile(share: number): number | null {
    if (this.count === 0) return null
    let rest = share * this.count
    let bin = 0
    for (; bin < BINS - 1; bin++) {
      rest -= u32At(this.#bins, bin)
      if (rest <= 0) break
    }
    bits[0] = (bin + 1 + FIRST) << SHIFT
    return float[0] ?? 0
  }
}

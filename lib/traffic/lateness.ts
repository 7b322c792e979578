import type { Lateness } from './types.ts'

/** Each bucket is this much wider than the one before: quantiles are exact to 2.5%. */
const GROWTH = 1.05
const SMALLEST_MS = 0.01
const BUCKETS = 360

/** A histogram of times in milliseconds with a fixed size, for quantiles of any number of values. */
export interface Histogram {
  add(ms: number): void
  quantile(q: number): number
  readonly count: number
  readonly mean: number
  readonly max: number
  summary(): Lateness
  reset(): void
}

/** An empty histogram. */
export function histogram(): Histogram {
  const buckets = new Uint32Array(BUCKETS)
  const scale = 1 / Math.log(GROWTH)
  let count = 0
  let sum = 0
  let max = 0
  const quantile = (q: number): number => {
    if (count === 0) return 0
    let left = Math.ceil(q * count)
    for (let index = 0; index < BUCKETS; index++) {
      left -= buckets[index] ?? 0
      if (left <= 0) return Math.min(max, index === 0 ? SMALLEST_MS : SMALLEST_MS * GROWTH ** (index - 0.5))
    }
    return max
  }
  return {
    add(ms) {
      const index = ms <= SMALLEST_MS ? 0 : Math.min(BUCKETS - 1, Math.ceil(Math.log(ms / SMALLEST_MS) * scale))
      buckets[index] = (buckets[index] ?? 0) + 1
      count++
      sum += ms
      if (ms > max) max = ms
    },
    quantile,
    get count() {
      return count
    },
    get mean() {
      return count === 0 ? 0 : sum / count
    },
    get max() {
      return max
    },
    summary: () => ({ p50: quantile(0.5), p99: quantile(0.99), max }),
    reset() {
      buckets.fill(0)
      count = 0
      sum = 0
      max = 0
    },
  }
}

import { f64At } from '../../history/index.ts'

const MOST = 2048

/**
 * How many tuples of each home were offered and seen, by the time at which they were sent. Buckets grow wider as the drill
 * grows longer.
 */
export class Rates {
  /** Width of a bucket in milliseconds. */
  widthMs = 25
  /** Where the first bucket begins; NaN before the first tuple. */
  startMs = Number.NaN
  /** Number of buckets in use. */
  length = 0
  #perMs = 1 / 25
  /** Per home (0 east, 1 west). */
  readonly offered: readonly [Float64Array, Float64Array] = [new Float64Array(MOST), new Float64Array(MOST)]
  readonly seen: readonly [Float64Array, Float64Array] = [new Float64Array(MOST), new Float64Array(MOST)]

  offer(home: 0 | 1, sentAt: number): void {
    const bucket = this.#bucket(sentAt)
    const list = this.offered[home]
    list[bucket] = f64At(list, bucket) + 1
  }

  see(home: 0 | 1, sentAt: number): void {
    const bucket = this.#bucket(sentAt)
    const list = this.seen[home]
    list[bucket] = f64At(list, bucket) + 1
  }

  #bucket(sentAt: number): number {
    if (this.length === 0) this.startMs = sentAt
    const bucket = ((sentAt - this.startMs) * this.#perMs) | 0
    if (bucket < this.length && bucket >= 0) return bucket
    return this.#grow(sentAt)
  }

  #grow(sentAt: number): number {
    let bucket = Math.max(0, Math.floor((sentAt - this.startMs) / this.widthMs))
    while (bucket >= MOST) {
      for (const list of [...this.offered, ...this.seen]) halve(list)
      this.widthMs *= 2
      this.length = Math.ceil(this.length / 2)
      bucket = Math.floor((sentAt - this.startMs) / this.widthMs)
    }
    this.#perMs = 1 / this.widthMs
    if (bucket >= this.length) this.length = bucket + 1
    return bucket
  }
}

function halve(list: Float64Array): void {
  for (let i = 0; i < MOST / 2; i++) list[i] = f64At(list, 2 * i) + f64At(list, 2 * i + 1)
  list.fill(0, MOST / 2)
}

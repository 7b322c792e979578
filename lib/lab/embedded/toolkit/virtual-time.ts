import type { Scheduler } from './scheduler.ts'

interface Planned {
  readonly at: number
  readonly order: number
  readonly run: () => void
}

/** Time that passes only when it is told to, for tests of the state machines. Equal instants keep the order of planning. */
export class VirtualTime implements Scheduler {
  readonly #heap: Planned[] = []
  #now = 0
  #order = 0

  now(): number {
    return this.#now
  }

  after(ms: number, run: () => void): () => void {
    let planned: Planned | undefined = { at: this.#now + Math.max(0, ms), order: this.#order++, run }
    this.#push({ ...planned, run: () => planned?.run() })
    return () => (planned = undefined)
  }

  /** Runs everything that is due up to and at the instant. */
  runUntil(instant: number): void {
    for (let next = this.#heap[0]; next && next.at <= instant; next = this.#heap[0]) {
      this.#pop()
      this.#now = next.at
      next.run()
    }
    this.#now = Math.max(this.#now, instant)
  }

  runFor(ms: number): void {
    this.runUntil(this.#now + ms)
  }

  #push(planned: Planned): void {
    const heap = this.#heap
    let index = heap.push(planned) - 1
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (!this.#swapIfBefore(index, parent)) break
      index = parent
    }
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (!last || heap.length === 0) return
    heap[0] = last
    for (let index = 0; ;) {
      const left = 2 * index + 1
      const right = left + 1
      const child = this.#isBefore(right, left) ? right : left
      if (!this.#swapIfBefore(child, index)) break
      index = child
    }
  }

  #isBefore(a: number, b: number): boolean {
    const [first, second] = [this.#heap[a], this.#heap[b]]
    if (!first || !second) return first !== undefined
    return first.at < second.at || (first.at === second.at && first.order < second.order)
  }

  #swapIfBefore(a: number, b: number): boolean {
    const [first, second] = [this.#heap[a], this.#heap[b]]
    if (!first || !second || !this.#isBefore(a, b)) return false
    this.#heap[a] = second
    this.#heap[b] = first
    return true
  }
}

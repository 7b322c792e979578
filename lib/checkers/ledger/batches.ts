import { f64At, u8At } from '../../history/index.ts'

const BITS = 10
const SIZE = 1 << BITS
const MASK = SIZE - 1

interface BatchPage {
  readonly outcome: Uint8Array
  readonly doneAt: Float64Array
  /** Attempts that have not asked for their outcome yet. */
  waiting: number
}

/** Outcomes of batches, kept only as long as some attempt still has to ask. */
export class Batches {
  readonly #pages = new Map<number, BatchPage>()
  #index = -1
  #page: BatchPage | undefined
  /** Pages below this one may be dropped when nobody waits for them. */
  #newest = 0

  /** An attempt was sent in this batch. */
  expect(batch: number): void {
    this.#at(batch).waiting++
  }

  set(batch: number, outcome: number, doneAt: number): void {
    const page = this.#at(batch)
    const slot = batch & MASK
    page.outcome[slot] = outcome
    page.doneAt[slot] = doneAt
  }

  /** Code of the outcome; 0: none so far. */
  outcome(batch: number): number {
    return u8At(this.#at(batch).outcome, batch & MASK)
  }

  doneAt(batch: number): number {
    return f64At(this.#at(batch).doneAt, batch & MASK)
  }

  /** An attempt has its outcome and will not ask again. */
  release(batch: number): void {
    const page = this.#at(batch)
    page.waiting--
    const index = batch >>> BITS
    if (page.waiting === 0 && index < this.#newest - 1) {
      this.#pages.delete(index)
      this.#index = -1
    }
  }

  #at(batch: number): BatchPage {
    const index = batch >>> BITS
    if (index === this.#index && this.#page) return this.#page
    let page = this.#pages.get(index)
    if (!page) {
      page = { outcome: new Uint8Array(SIZE), doneAt: new Float64Array(SIZE), waiting: 0 }
      this.#pages.set(index, page)
      if (index > this.#newest) {
        this.#newest = index
        for (const [old, { waiting }] of this.#pages) if (waiting === 0 && old < index - 1) this.#pages.delete(old)
      }
    }
    this.#index = index
    this.#page = page
    return page
  }
}

import type { HomeLoad, KeyLane } from './home-load.ts'
import type { Tuple } from './serialise.ts'
import type { Outcome } from './types.ts'

/** Tuples that travel together, over all their attempts. */
export interface Batch {
  readonly load: HomeLoad
  readonly lane: KeyLane
  readonly tuples: readonly Tuple[]
  readonly order: number
  /** Of the first attempt. */
  readonly sentAt: number
  readonly slot: number
  readonly epoch: number
  readonly witness: boolean
  /** Requests without an outcome. */
  open: number
  best: Outcome
}

/** The better of two outcomes counts for a batch that went to both data centres. */
export const RANK: Readonly<Record<Outcome, number>> = { refused: 0, indeterminate: 1, acknowledged: 2 }

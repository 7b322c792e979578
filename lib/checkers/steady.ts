import { latestOf, type Interval } from '../core/index.ts'
import { f64At } from '../history/index.ts'
import type { Ledger } from './ledger/ledger.ts'
import type { Rates } from './ledger/rates.ts'
import type { Recovery } from './ledger/recoveries.ts'

/** Share of the offered tuples that must come out for traffic to count as steady. */
export const STEADY_SHARE = 0.9

/** Shortest stretch of sending times that says anything about steadiness, in milliseconds. */
export const STEADY_LEAST_MS = 250

/**
 * When service was steady again: from then on, at least nine tenths of the work sent in every bucket came out, until sending
 * ended. Undefined if it never was for a quarter of a second.
 */
export function steadySince(recovery: Recovery, recovered: Interval, ledger: Ledger): Interval | undefined {
  const { rates } = ledger
  const home = recovery.outage.dc
  const from = bucketOf(rates, recovery.outage.at.earliest)
  let worst = from - 1
  let last = -1
  for (let bucket = from; bucket < rates.length; bucket++) {
    const offered = f64At(rates.offered[home], bucket)
    if (offered === 0) continue
    last = bucket
    if (f64At(rates.seen[home], bucket) < STEADY_SHARE * offered) worst = bucket
  }
  if ((last - worst) * rates.widthMs < STEADY_LEAST_MS) return undefined
  const start = rates.startMs + worst * rates.widthMs
  return latestOf(recovered, { earliest: start, latest: start + 2 * rates.widthMs })
}

/** How many tuples of a home were offered and seen, of those sent in a span of time (whole buckets inside it). */
export interface Delivered {
  readonly offered: number
  readonly seen: number
  /** Length of the buckets that were counted. */
  readonly ms: number
  /** The lowest share of a bucket that was seen; 1 if nothing was offered. */
  readonly worstShare: number
}

/** Counts what was sent in a span of absolute times. */
export function delivered(rates: Rates, home: 0 | 1, fromMs: number, toMs: number): Delivered {
  let offered = 0
  let seen = 0
  let buckets = 0
  let worstShare = 1
  const first = Number.isFinite(fromMs) ? Math.ceil((fromMs - rates.startMs) / rates.widthMs) : 0
  const end = Number.isFinite(toMs) ? Math.floor((toMs - rates.startMs) / rates.widthMs) : rates.length
  for (let bucket = Math.max(0, first); bucket < Math.min(end, rates.length); bucket++) {
    buckets++
    const due = f64At(rates.offered[home], bucket)
    if (due === 0) continue
    offered += due
    seen += f64At(rates.seen[home], bucket)
    worstShare = Math.min(worstShare, f64At(rates.seen[home], bucket) / due)
  }
  return { offered, seen, ms: buckets * rates.widthMs, worstShare }
}

function bucketOf(rates: Rates, instant: number): number {
  return Math.max(0, Math.floor((instant - rates.startMs) / rates.widthMs))
}

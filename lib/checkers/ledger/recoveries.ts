import type { OutageFact } from '../timeline.ts'

/** The search for the first tuple sent after an outage. Instants are absolute. */
export interface Recovery {
  readonly outage: OutageFact
  /** Bounds of the time at which the first such tuple was processed; infinite if none was seen. */
  earliest: number
  latest: number
  /** That tuple: number, where it was processed, and the sight's record. */
  seq: number
  dc: 0 | 1
  record: number
  /** Tuples of the work sent after the outage. */
  offered: number
  /** Longest time after the outage, until the recovery, in which nothing of the work was sent. */
  longestGapMs: number
  lastOffer: number
}

/** Looks for the recovery of every outage while tuples stream by. */
export class Recoveries {
  readonly all: readonly Recovery[]
  readonly #byHome: readonly [readonly Recovery[], readonly Recovery[]]

  constructor(outages: readonly OutageFact[]) {
    this.all = outages.map((outage) => ({
      outage,
      earliest: Number.POSITIVE_INFINITY,
      latest: Number.POSITIVE_INFINITY,
      seq: -1,
      dc: 0,
      record: -1,
      offered: 0,
      longestGapMs: 0,
      lastOffer: outage.at.latest,
    }))
    this.#byHome = [this.all.filter(({ outage }) => outage.dc === 0), this.all.filter(({ outage }) => outage.dc === 1)]
  }

  offer(home: 0 | 1, sentAt: number): void {
    const own = this.#byHome[home]
    if (own.length === 0) return
    for (const recovery of own) {
      if (sentAt <= recovery.outage.at.latest) continue
      recovery.offered++
      if (sentAt > recovery.latest) continue
      if (sentAt - recovery.lastOffer > recovery.longestGapMs) recovery.longestGapMs = sentAt - recovery.lastOffer
      if (sentAt > recovery.lastOffer) recovery.lastOffer = sentAt
    }
  }

  see(home: 0 | 1, dc: 0 | 1, seq: number, sentAt: number, earliest: number, latest: number, record: number): void {
    const own = this.#byHome[home]
    if (own.length === 0) return
    for (const recovery of own) {
      if (sentAt <= recovery.outage.at.latest) continue
      if (earliest < recovery.earliest) recovery.earliest = earliest
      if (latest < recovery.latest) {
        recovery.latest = latest
        recovery.seq = seq
        recovery.dc = dc
        recovery.record = record
      }
    }
  }
}

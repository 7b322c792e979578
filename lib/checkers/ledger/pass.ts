import { setImmediate as breathe } from 'node:timers/promises'
import {
  Kind,
  OutcomeCode,
  UNKNOWN_KEY,
  type History,
  type TupleStreams,
  f64At,
  u32At,
  u8At,
} from '../../history/index.ts'
import type { Timeline } from '../timeline.ts'
import type { TupleFact } from './exceptions.ts'
import { Keys } from './keys.ts'
import { Latencies } from './latencies.ts'
import type { Ledger } from './ledger.ts'
import { judgeMissing } from './missing.ts'
import { Oddities } from './oddities.ts'
import { orphanFact, Orphans, type Orphan } from './orphans.ts'
import { Rates } from './rates.ts'
import { Recoveries } from './recoveries.ts'
import { blankSight } from './sight.ts'
import { Tap } from './taps.ts'
import { Tuples } from './tuples.ts'

/**
 * Reads the tuple log once, both files side by side in the order of time, and draws up the ledger. Gives way to other work
 * between chunks.
 * @throws CorruptHistoryError
 */
export async function readLedger(history: History, timeline: Timeline): Promise<Ledger> {
  using streams = history.openTuples()
  const pass = new Pass(streams, timeline, history.start.contract.lateAfterMs)
  while (pass.chunk()) await breathe()
  return pass.finish(history.start.contract.settleMs)
}

class Pass {
  readonly #streams: TupleStreams
  readonly #timeline: Timeline
  readonly #homes: Uint8Array
  readonly #witness: Uint8Array
  readonly #tuples: Tuples
  readonly #keys: Keys
  readonly #recoveries: Recoveries
  readonly #rates = new Rates()
  readonly #latencies = new Latencies()
  readonly #taps = [new Tap(), new Tap()] as const
  readonly #orphans = new Orphans()
  readonly #odd: Oddities
  readonly #sight = blankSight()
  #sights = 0
  #firstSend = Number.POSITIVE_INFINITY
  #lastSend = Number.NEGATIVE_INFINITY
  #witnesses = 0
  #witnessesSince = 0
  /** Position in the chunk of sends. */
  #next = 0
  #answered = 0
  #previousAsked = 0

  constructor(streams: TupleStreams, timeline: Timeline, lateAfterMs: number | undefined) {
    const { keys } = streams.names
    this.#streams = streams
    this.#timeline = timeline
    this.#odd = new Oddities(lateAfterMs)
    this.#homes = Uint8Array.from(keys, ({ home }) => (home === 'west' ? 1 : 0))
    this.#witness = Uint8Array.from(keys, ({ witness }) => (witness ? 1 : 0))
    this.#tuples = new Tuples(keys)
    this.#keys = new Keys(
      keys,
      timeline,
      ({ batch, givenUp }) => givenUp || this.#tuples.batches.outcome(batch) === OutcomeCode.indeterminate,
    )
    this.#recoveries = new Recoveries(timeline.outages)
  }

  /** Works through one chunk of sights and all that was sent until then; false when all is read. */
  chunk(): boolean {
    const { sights } = this.#streams
    if (!sights.advance()) {
      this.#sendsUntil(Number.POSITIVE_INFINITY)
      return false
    }
    const { f64, u32, u8 } = sights.views
    for (let i = 0; i < sights.length; i++) {
      const dc = u8At(u8, i * 40 + 37) === 1 ? 1 : 0
      if (u8At(u8, i * 40 + 36) === Kind.poll) {
        this.#previousAsked = f64At(f64, i * 5 + 2)
        this.#answered = f64At(f64, i * 5 + 1)
        const overrun = u32At(u32, i * 10 + 6)
        this.#taps[dc].poll(f64At(f64, i * 5), this.#answered, this.#previousAsked, overrun)
        if (overrun > 0) this.#keys.gap(dc)
        this.#sendsUntil(this.#answered)
      } else {
        this.#sights++
        this.#see(sights.base + i, dc, i)
      }
    }
    return true
  }

  finish(settleMs: number): Ledger {
    this.#tuples.finish()
    for (const orphan of this.#orphans.all()) this.#odd.phantom.add(orphanLater(orphan))
    const { sends, sights, names } = this.#streams
    const tuples = this.#tuples
    const { fates } = tuples
    return {
      keys: names.keys,
      sent: tuples.sent,
      attempts: tuples.attempts,
      acknowledged: fates.acknowledged,
      refused: fates.refused,
      indeterminate: fates.indeterminate,
      seen: tuples.seen,
      sights: this.#sights,
      ...judgeMissing(fates.missing, this.#taps, this.#timeline.outages, settleMs),
      duplicated: this.#odd.duplicated,
      dual: fates.dual,
      resentTwice: fates.resentTwice,
      refusedSeen: fates.refusedSeen,
      corrupt: this.#odd.corrupt,
      unparsable: this.#odd.unparsable,
      foreign: this.#odd.foreign,
      altered: this.#odd.altered,
      phantom: this.#odd.phantom,
      late: this.#odd.late,
      latencies: this.#latencies,
      work: this.#keys,
      recoveries: this.#recoveries.all,
      rates: this.#rates,
      taps: this.#taps,
      firstSend: this.#firstSend,
      lastSend: this.#lastSend,
      witnesses: { all: this.#witnesses, sinceTrouble: this.#witnessesSince },
      tailBytes: { sends: sends.tailBytes, sights: sights.tailBytes },
    }
  }

  #sendsUntil(instant: number): void {
    const { sends } = this.#streams
    const { f64, u32, u8 } = sends.views
    while (true) {
      if (this.#next >= sends.length) {
        if (!sends.advance()) return
        this.#next = 0
      }
      let i = this.#next
      const { length } = sends
      for (; i < length; i++) {
        if (u8At(u8, i * 40 + 36) === Kind.send) {
          const sentAt = f64At(f64, i * 5 + 1)
          if (sentAt > instant) break
          this.#send(
            f64At(f64, i * 5),
            sentAt,
            f64At(f64, i * 5 + 2),
            u32At(u32, i * 10 + 6),
            u32At(u32, i * 10 + 7),
            u32At(u32, i * 10 + 8),
            u8At(u8, i * 40 + 37) === 1 ? 1 : 0,
            sends.base + i,
          )
        } else {
          const doneAt = f64At(f64, i * 5)
          if (doneAt > instant) break
          this.#tuples.batches.set(u32At(u32, i * 10 + 8), u8At(u8, i * 40 + 38), doneAt)
        }
      }
      this.#next = i
      if (i < length) return
    }
  }

  #send(
    seq: number,
    sentAt: number,
    value: number,
    key: number,
    keySeq: number,
    batch: number,
    dc: 0 | 1,
    record: number,
  ): void {
    const home = this.#homes[key] === 1 ? 1 : 0
    const isNew = this.#tuples.send(seq, sentAt, value, key, keySeq, batch, dc, record)
    if (sentAt < this.#firstSend) this.#firstSend = sentAt
    if (sentAt > this.#lastSend) this.#lastSend = sentAt
    this.#recoveries.offer(home, sentAt)
    if (!isNew) return
    this.#rates.offer(home, sentAt)
    if (this.#witness[key] === 1) {
      this.#witnesses++
      if (sentAt >= this.#timeline.firstTrouble) this.#witnessesSince++
    }
    if (this.#orphans.size > 0) this.#adoptOrphan(seq)
  }

  #see(record: number, dc: 0 | 1, i: number): void {
    const { f64, u32, u8 } = this.#streams.sights.views
    const flags = u8At(u8, i * 40 + 38)
    const seq = f64At(f64, i * 5)
    const key = u32At(u32, i * 10 + 6)
    if (flags !== 0 && !this.#odd.flagged(flags, this.#fact(seq, key, dc, record, ''))) return
    this.#known(
      seq,
      dc,
      record,
      key,
      u32At(u32, i * 10 + 7),
      f64At(f64, i * 5 + 1),
      u32At(u32, i * 10 + 8),
      f64At(f64, i * 5 + 2),
      flags === 0,
    )
  }

  #known(
    seq: number,
    dc: 0 | 1,
    record: number,
    key: number,
    keySeq: number,
    value: number,
    count: number,
    sum: number,
    intact: boolean,
  ): void {
    if (!Number.isSafeInteger(seq) || seq < 0) {
      this.#odd.phantom.add(this.#later(seq, key, dc, record, 'its number was never sent'))
      return
    }
    const found = this.#tuples.see(seq, dc)
    if (!found.sent) {
      const answered = this.#answered
      const previousAsked = this.#previousAsked
      const orphan = { seq, record, dc, key, keySeq, value, count, sum, answered, previousAsked }
      if (!intact || !this.#orphans.add(orphan)) this.#odd.phantom.add(orphanLater(orphan))
      return
    }
    const remembered = found.key >= 0
    const sentAt = remembered ? found.sentAt : this.#previousAsked
    if (remembered && (found.key !== key || found.keySeq !== keySeq || found.value !== value)) {
      const note = 'its key, key number or value is not what was sent'
      this.#odd.altered.add(this.#later(seq, key, dc, record, note))
      intact = false
    }
    const trueKey = remembered ? found.key : key
    const { repeated } = found
    const send = found.send
    if (repeated) {
      const elsewhere = remembered ? found.elsewhere : this.#tuples.seenElsewhere(seq, key, dc)
      // A witness tuple was sent to both data centres on purpose: if both process it, that is split brain, not duplication.
      if (!elsewhere || this.#witness[trueKey] !== 1) {
        const note = elsewhere ? 'seen before at the other data centre' : 'seen before at this data centre'
        this.#odd.duplicated.add(this.#later(seq, trueKey, dc, record, note))
      }
    }
    const home = this.#homes[trueKey] === 1 ? 1 : 0
    const earliest = this.#previousAsked > sentAt ? this.#previousAsked : sentAt
    const latest = this.#answered > earliest ? this.#answered : earliest
    if (!repeated && remembered) {
      this.#rates.see(home, sentAt)
      this.#latencies.add(latest - sentAt)
      this.#recoveries.see(home, dc, seq, sentAt, earliest, latest, record)
      if (earliest - sentAt > this.#odd.lateAfterMs && !this.#odd.excused(home, sentAt, this.#recoveries.all)) {
        const note = `seen ${Math.round(earliest - sentAt)} ms or more after it was sent`
        this.#odd.late.add(this.#later(seq, trueKey, dc, record, note, sentAt))
      }
    }
    if (!intact || !remembered || key === UNKNOWN_KEY || trueKey >= this.#homes.length) return
    const sight = this.#sight
    sight.seq = seq
    sight.key = trueKey
    sight.keySeq = keySeq
    sight.value = value
    sight.count = count
    sight.sum = sum
    sight.dc = dc
    sight.sentAt = sentAt
    sight.send = send
    sight.batch = found.batch
    sight.givenUp = found.givenUp
    sight.repeated = repeated
    sight.earliest = earliest
    sight.latest = latest
    sight.record = record
    this.#keys.see(sight)
  }

  /** A tuple was seen before its send record came along: judge the sight now. */
  #adoptOrphan(seq: number): void {
    const orphan = this.#orphans.take(seq)
    if (!orphan) return
    const { answered, previousAsked } = { answered: this.#answered, previousAsked: this.#previousAsked }
    this.#answered = orphan.answered
    this.#previousAsked = orphan.previousAsked
    const { dc, record, key, keySeq, value, count, sum } = orphan
    this.#known(seq, dc, record, key, keySeq, value, count, sum, true)
    this.#answered = answered
    this.#previousAsked = previousAsked
  }

  /** Made here and not where it is needed: a function with closures pays for what they capture at every call. */
  #later(seq: number, key: number, dc: 0 | 1, record: number, note: string, sentAt?: number): () => TupleFact {
    return () => ({ ...this.#fact(seq, key, dc, record, note), ...(sentAt === undefined ? {} : { sentAt }) })
  }

  #fact(seq: number, key: number, dc: 0 | 1, record: number, note: string): TupleFact {
    return {
      seq,
      key,
      dc,
      seen: { earliest: this.#previousAsked, latest: this.#answered },
      file: 'sights',
      record,
      note,
    }
  }
}

function orphanLater(orphan: Orphan): () => TupleFact {
  return () => orphanFact(orphan)
}

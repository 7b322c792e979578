import type { Interval } from '../../core/index.ts'
import { type KeyEntry } from '../../history/index.ts'
import type { OutageFact, Timeline } from '../timeline.ts'
import { Exceptions, type TupleFact } from './exceptions.ts'
import type { KeyedSight } from './sight.ts'
import { StateHistory } from './state-history.ts'

/** A key whose work a data centre took up with a state that it did not build itself, or whose state was set back. */
export interface Adoption {
  readonly key: number
  readonly from: 0 | 1
  readonly to: 0 | 1
  /** The first count that was seen afterwards; 1 means that the state was empty. */
  readonly count: number
  /** The last count that was seen before. */
  readonly before: number
  /** Updates that the state did not hold. */
  readonly missing: number
  /**
   * From the processing of the first update that is missing to the outage, upper bound infinite if that was before all that is
   * known; null if nothing is.
   */
  readonly age: { readonly lowerMs: number; readonly upperMs: number } | null
  readonly outage: OutageFact
  readonly record: number
  readonly seen: Interval
}

/** What is remembered of a key at one data centre. */
interface Served {
  highest: number
  highestSend: number
  keySeq: number
  count: number
  sum: number
  /** When the latest of its tuples was sent. */
  sentAt: number
  /** How many of the data centre's breaks explain steps back so far. */
  breaks: number
  gaps: number
  /** How many times the key had changed hands when it was last seen here. */
  handovers: number
  readonly history: StateHistory
}

/** An outage at a data centre, and when the first tuple that was sent after it had come out there. */
interface Absence {
  readonly outage: OutageFact
  backAt: number
}

/** What is remembered of a key. */
interface Owned {
  readonly served: [Served | undefined, Served | undefined]
  owner: 0 | 1 | undefined
  /** When the owner's first tuple had been seen. */
  ownedSince: number
  handovers: number
}

/** Follows each key through the data centres: order, running state, and who works on it. Memory grows with keys. */
export class Keys {
  readonly reordered = new Exceptions<TupleFact>()
  readonly wrong = new Exceptions<TupleFact>()
  readonly interleaved = new Exceptions<TupleFact>()
  /** Steps of count and sum that were checked. */
  steps = 0
  /** Steps that could not be checked because tuples in between were not seen. */
  unverified = 0
  /**
   * Tuples behind a later one about which nothing was promised: given up without an answer before they came, or sent while the data
   * centre was away.
   */
  overtaken = 0
  /** Tuples that an old owner finished after the new one had begun. */
  stragglers = 0
  handovers = 0
  /** Adoptions: bounded, the ones with the oldest state first to stay. */
  readonly adoptions: Adoption[] = []
  adopted = 0
  missingUpdates = 0
  readonly #entries: readonly KeyEntry[]
  readonly #timeline: Timeline
  readonly #keys: (Owned | undefined)[]
  readonly #gaps: [number, number] = [0, 0]
  readonly #isUnanswered: (sight: KeyedSight) => boolean
  readonly #samples: number
  readonly #absences: readonly [Absence[], Absence[]]

  /** @param isUnanswered whether a tuple's batch has ended without an answer by now; asked of those that come late alone */
  constructor(entries: readonly KeyEntry[], timeline: Timeline, isUnanswered: (sight: KeyedSight) => boolean) {
    this.#isUnanswered = isUnanswered
    this.#entries = entries
    this.#timeline = timeline
    const absences = timeline.outages.map((outage) => ({ outage, backAt: Number.POSITIVE_INFINITY }))
    this.#absences = [
      absences.filter(({ outage }) => outage.dc === 0),
      absences.filter(({ outage }) => outage.dc === 1),
    ]
    this.#keys = new Array<Owned | undefined>(entries.length)
    const share = Math.min(512, Math.max(16, 262_144 / Math.max(1, entries.length)))
    this.#samples = 2 ** Math.floor(Math.log2(share))
  }

  /** A tap dropped tuples: the next step of each key there cannot be checked. */
  gap(dc: 0 | 1): void {
    this.#gaps[dc]++
  }

  see(sight: KeyedSight): void {
    let owned = this.#keys[sight.key]
    if (!owned) {
      owned = { served: [undefined, undefined], owner: undefined, ownedSince: 0, handovers: 0 }
      this.#keys[sight.key] = owned
    }
    if (!sight.repeated) this.#own(owned, sight)
    if (this.#absences[sight.dc].length > 0) this.#isBack(sight)
    const served = owned.served[sight.dc]
    if (!served) {
      owned.served[sight.dc] = {
        highest: sight.keySeq,
        highestSend: sight.send,
        keySeq: sight.keySeq,
        count: sight.count,
        sum: sight.sum,
        sentAt: sight.sentAt,
        breaks: this.#breaksBefore(sight.dc, sight.latest),
        gaps: this.#gaps[sight.dc],
        handovers: owned.handovers,
        history: new StateHistory(this.#samples),
      }
      owned.served[sight.dc]?.history.add(sight.count, sight.earliest, sight.latest)
      return
    }
    if (!sight.repeated && this.#outOfOrder(served, sight)) return
    this.#step(owned, served, sight)
  }

  #outOfOrder(served: Served, sight: KeyedSight): boolean {
    if (sight.keySeq > served.highest) {
      served.highest = sight.keySeq
      served.highestSend = sight.send
      return false
    }
    // Sent after a later number (a retry): then it has to come out after it, too.
    if (sight.send > served.highestSend) return false
    // Its sender had given it up and gone on; where the network held it, it may come at any time, or never.
    if (this.#isUnanswered(sight) || this.#sentIntoAbsence(sight)) {
      this.overtaken++
      return false
    }
    const behind = served.highest
    this.reordered.add(later(sight, `number ${sight.keySeq} of its key came out after number ${behind}`))
    return true
  }

  /** What was sent after an outage comes out where it happened: the data centre is back. */
  #isBack({ dc, sentAt, latest }: KeyedSight): void {
    for (const absence of this.#absences[dc]) {
      if (sentAt > absence.outage.at.latest && latest < absence.backAt) absence.backAt = latest
    }
  }

  /** Requests that wait on the way for a data centre to come back arrive in any order when it does. */
  #sentIntoAbsence({ dc, sentAt }: KeyedSight): boolean {
    return this.#absences[dc].some(({ outage, backAt }) => sentAt >= outage.at.earliest && sentAt <= backAt)
  }

  #step(owned: Owned, served: Served, sight: KeyedSight): void {
    const { count, sum, keySeq } = sight
    const step = count - served.count
    const unbroken = served.gaps === this.#gaps[sight.dc] && served.handovers === owned.handovers
    if (step === 1) {
      this.steps++
      if (sum - served.sum !== sight.value && served.handovers === owned.handovers) {
        const expected = served.sum + sight.value
        this.wrong.add(later(sight, `its sum is ${sum} where ${expected} was due`))
      }
    } else if (step <= 0) {
      if (sight.repeated) return
      const breaks = this.#breaksBefore(sight.dc, sight.latest)
      if (breaks > served.breaks) {
        served.breaks = breaks
        // Who comes back after the other has taken over begins afresh by the toolkit's rules; the work is not its own any more.
        if (served.handovers === owned.handovers) this.#adopt(sight, sight.dc, served)
      } else if (unbroken) {
        const before = served.count
        this.wrong.add(later(sight, `its count is ${count} after ${before}, though nothing was restarted`))
      } else {
        this.unverified++
      }
    } else if (unbroken && keySeq - served.keySeq < step) {
      const expected = served.count + 1
      this.wrong.add(later(sight, `its count is ${count} where ${expected} was due`))
    } else {
      this.unverified++
    }
    served.count = count
    served.sum = sum
    served.sentAt = Math.max(served.sentAt, sight.sentAt)
    served.keySeq = keySeq
    served.gaps = this.#gaps[sight.dc]
    served.handovers = owned.handovers
    served.history.add(count, sight.earliest, sight.latest)
  }

  #own(owned: Owned, sight: KeyedSight): void {
    const { dc } = sight
    if (owned.owner === dc) return
    if (owned.owner === undefined) {
      owned.owner = dc
      owned.ownedSince = sight.latest
      return
    }
    if (sight.sentAt <= owned.ownedSince) {
      // Sent before the present owner had shown anything: at most a late end of the old owner's work.
      if (sight.earliest > owned.ownedSince) this.stragglers++
      return
    }
    const from = owned.owner
    const entry = this.#entries[sight.key]
    if (owned.served[dc] && !entry?.witness && !this.#sentBack(entry, dc, owned.ownedSince, sight)) {
      this.interleaved.add(later(sight, 'processed here after the other data centre had taken the key over'))
    }
    owned.owner = dc
    owned.ownedSince = sight.latest
    owned.handovers++
    this.handovers++
    const before = owned.served[from]
    if (before && !owned.served[dc]) this.#adopt(sight, from, before)
  }

  #sentBack(entry: KeyEntry | undefined, dc: 0 | 1, since: number, sight: KeyedSight): boolean {
    const home = entry?.home === 'west' ? 1 : 0
    return this.#timeline.routes.some(
      (route) =>
        route.home === home && route.to === dc && route.at.latest >= since && route.at.earliest <= sight.latest,
    )
  }

  /** Notes the state with which work went on after an outage; without one, nothing was taken over. */
  #adopt(sight: KeyedSight, from: 0 | 1, before: Served): void {
    const outage = this.#timeline.outages.findLast(({ dc, at }) => dc === from && at.earliest <= sight.latest)
    if (!outage || before.sentAt > outage.at.latest) return
    const missing = Math.max(0, before.count - (sight.count - 1))
    this.adopted++
    this.missingUpdates += missing
    const adoption: Adoption = {
      key: sight.key,
      from,
      to: sight.dc,
      count: sight.count,
      before: before.count,
      missing,
      age: ageOf(missing, sight.count, before.history, outage),
      outage,
      record: sight.record,
      seen: { earliest: sight.earliest, latest: sight.latest },
    }
    this.adoptions.push(adoption)
    if (this.adoptions.length < 2 * MOST_ADOPTIONS) return
    this.adoptions.sort((a, b) => weight(b) - weight(a))
    this.adoptions.length = MOST_ADOPTIONS
  }

  #breaksBefore(dc: 0 | 1, instant: number): number {
    const breaks = this.#timeline.breaks[dc]
    let count = 0
    while (count < breaks.length && (breaks[count]?.earliest ?? 0) <= instant) count++
    return count
  }
}

const MOST_ADOPTIONS = 4096

/** How old a state is; unknown counts as oldest. */
const weight = (adoption: Adoption): number => (adoption.age ? adoption.age.upperMs : Number.POSITIVE_INFINITY)

function ageOf(missing: number, count: number, history: StateHistory, outage: OutageFact): Adoption['age'] {
  if (missing === 0) return { lowerMs: 0, upperMs: 0 }
  const processed = history.reached(count)
  if (!processed) {
    const first = history.first()
    if (!first) return null
    return { lowerMs: Math.max(0, outage.at.earliest - first.latest), upperMs: Number.POSITIVE_INFINITY }
  }
  return {
    lowerMs: Math.max(0, outage.at.earliest - processed.latest),
    upperMs: Math.max(0, outage.at.latest - processed.earliest),
  }
}

/** Not made where it is needed: a function with closures pays for what they capture at every call. */
function later(sight: KeyedSight, note: string): () => TupleFact {
  const { seq, key, dc, sentAt, earliest, latest, record } = sight
  return () => ({ seq, key, dc, sentAt, seen: { earliest, latest }, file: 'sights', record, note })
}

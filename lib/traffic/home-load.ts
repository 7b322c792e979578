import { planned, type LoadProfile } from './profile.ts'
import { SLOT_MS, type HomeCounts, type Slot } from './messages.ts'
import type { KeyGenerator } from './generator.ts'
import type { Lane } from './lane.ts'
import type { HomeRoute } from './routing.ts'
import type { DcName, Outcome } from './types.ts'

/** Keys that share a connection to each data centre. */
export interface KeyLane {
  readonly keys: readonly KeyGenerator[]
  readonly http: Readonly<Record<DcName, Lane>>
  /** Number of the last batch made, and of the last sent to each data centre: what would overtake is not sent again. */
  order: number
  readonly sentTo: Record<DcName, number>
  turn: number
}

/** The schedule of one home and what became of it. */
export class HomeLoad {
  readonly home: DcName
  readonly route: HomeRoute
  readonly lanes: readonly KeyLane[]
  readonly #profile: LoadProfile
  readonly #rate: number
  readonly #slots = new Map<number, { sent: number; acknowledged: number; failed: number }>()
  readonly #changed = new Set<number>()
  /** First tick whose tuples were not all sent. */
  nextTick = 1
  laneTurn = 0
  planned = 0
  sent = 0
  shed = 0
  acknowledged = 0
  refused = 0
  indeterminate = 0

  constructor(options: {
    readonly home: DcName
    readonly route: HomeRoute
    readonly lanes: readonly KeyLane[]
    readonly profile: LoadProfile
    /** Tuples per second of this home. */
    readonly rate: number
  }) {
    this.home = options.home
    this.route = options.route
    this.lanes = options.lanes
    this.#profile = options.profile
    this.#rate = options.rate
  }

  /** Tuples that should have been sent by then. */
  plannedBy(elapsedMs: number): number {
    return Math.floor(this.#rate * planned(this.#profile, elapsedMs) + 1e-9)
  }

  /** Tuples that are due and neither sent nor given up. */
  get due(): number {
    return this.planned - this.sent - this.shed
  }

  /** The next lane in turn that takes another request to those data centres. */
  nextLane(targets: readonly DcName[]): KeyLane | undefined {
    for (let tries = 0; tries < this.lanes.length; tries++) {
      const lane = this.lanes[this.laneTurn++ % this.lanes.length]
      if (lane && targets.every((dc) => lane.http[dc].hasRoom)) return lane
    }
    return undefined
  }

  countSent(slot: number, tuples: number): void {
    this.sent += tuples
    this.#slot(slot).sent += tuples
  }

  countOutcome(slot: number, tuples: number, outcome: Outcome): void {
    this[outcome] += tuples
    if (outcome === 'acknowledged') this.#slot(slot).acknowledged += tuples
    else this.#slot(slot).failed += tuples
  }

  /** Counts, with the slots that changed since the last call. */
  report(): HomeCounts {
    const slots: Slot[] = []
    for (const slot of this.#changed) {
      const counts = this.#slots.get(slot)
      if (counts) slots.push({ slot, ...counts })
      if (counts && counts.sent === counts.acknowledged + counts.failed) this.#forgetBefore(slot)
    }
    this.#changed.clear()
    return {
      planned: this.planned,
      sent: this.sent,
      acknowledged: this.acknowledged,
      refused: this.refused,
      indeterminate: this.indeterminate,
      shed: this.shed,
      route: this.route.route,
      slots,
    }
  }

  #slot(slot: number): { sent: number; acknowledged: number; failed: number } {
    this.#changed.add(slot)
    let counts = this.#slots.get(slot)
    if (!counts) this.#slots.set(slot, (counts = { sent: 0, acknowledged: 0, failed: 0 }))
    return counts
  }

  /** Slots that are long complete are not needed here any more. */
  #forgetBefore(slot: number): void {
    for (const [old, counts] of this.#slots) {
      if (old >= slot - KEPT_SLOTS) return
      if (counts.sent === counts.acknowledged + counts.failed) this.#slots.delete(old)
      else return
    }
  }
}

const KEPT_SLOTS = 60_000 / SLOT_MS

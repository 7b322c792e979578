import type { Interval } from '../core/index.ts'
import { SLOT_MS } from './messages.ts'
import type { DcName } from './types.ts'

/** What happened to the tuples of one home that were first sent in one slot. */
interface SlotState {
  sent: number
  acknowledged: number
  failed: number
  seen: number
}

/** Share of the planned tuples that must have been sent. */
const ENOUGH = 0.9

/** What {@link Steadiness.find} is asked. */
export interface SteadyQuestion {
  /** Not before this time. */
  readonly since: number
  readonly forMs: number
  /** Slots that began after this are not known well enough yet. */
  readonly known: number
  /** Something not yet acknowledged or seen by this long after its slot is missing. */
  readonly settleMs: number
  /** Tuples of a home that were due between two times. */
  readonly planned: (home: DcName, from: number, to: number) => number
}

/** Whether traffic was steady; if not, how far it has come and what was missing. */
export type SteadyAnswer =
  | { readonly steady: true; readonly at: Interval; readonly tuples: number }
  | { readonly steady: false; readonly forMs: number; readonly missing: string }

/** Collects what workers report by slots of sending time, and finds stretches without a miss. */
export class Steadiness {
  readonly #homes: readonly DcName[]
  readonly #slots: Readonly<Record<DcName, Map<number, SlotState>>> = { east: new Map(), west: new Map() }

  constructor(homes: readonly DcName[]) {
    this.#homes = homes
  }

  sent(home: DcName, slot: number, counts: { sent: number; acknowledged: number; failed: number }): void {
    Object.assign(this.#slot(home, slot), {
      sent: counts.sent,
      acknowledged: counts.acknowledged,
      failed: counts.failed,
    })
  }

  seen(home: DcName, slot: number, seen: number): void {
    this.#slot(home, slot).seen = seen
  }

  /** The first stretch that is long enough. */
  find(question: SteadyQuestion): SteadyAnswer {
    const { since, forMs, known, settleMs } = question
    const first = Math.ceil(since / SLOT_MS)
    const last = Math.floor(known / SLOT_MS) - 1
    const needed = Math.ceil(forMs / SLOT_MS)
    let start = first
    let missing = 'nothing sent yet'
    for (let slot = first; slot <= last; slot++) {
      const problem = this.#problem(slot)
      if (problem?.final === false && known - (slot + 1) * SLOT_MS < settleMs) {
        return { steady: false, forMs: Math.max(0, slot - start) * SLOT_MS, missing: problem.what }
      }
      if (problem) {
        missing = problem.what
        start = slot + 1
        continue
      }
      if (slot + 1 - start < needed) continue
      const slow = this.#tooSlow(start, slot + 1, question)
      if (slow === undefined) return this.#steady(start, slot + 1)
      missing = slow
      start++
    }
    return { steady: false, forMs: Math.max(0, last + 1 - start) * SLOT_MS, missing }
  }

  #steady(start: number, end: number): SteadyAnswer {
    let tuples = 0
    for (const home of this.#homes) {
      for (let slot = start; slot < end; slot++) tuples += this.#slots[home].get(slot)?.sent ?? 0
    }
    return { steady: true, at: { earliest: start * SLOT_MS, latest: end * SLOT_MS }, tuples }
  }

  #problem(slot: number): { readonly what: string; readonly final: boolean } | undefined {
    for (const home of this.#homes) {
      const state = this.#slots[home].get(slot)
      if (!state) continue
      if (state.failed > 0) return { what: `${state.failed} tuples of ${home} were not acknowledged`, final: true }
      const open = state.sent - state.acknowledged
      if (open > 0) return { what: `${open} tuples of ${home} wait for their acknowledgement`, final: false }
      const unseen = state.sent - state.seen
      if (unseen > 0) return { what: `${unseen} acknowledged tuples of ${home} were not seen`, final: false }
    }
    return undefined
  }

  #tooSlow(start: number, end: number, { planned }: SteadyQuestion): string | undefined {
    for (const home of this.#homes) {
      const due = planned(home, start * SLOT_MS, end * SLOT_MS)
      let sent = 0
      for (let slot = start; slot < end; slot++) sent += this.#slots[home].get(slot)?.sent ?? 0
      // One tuple may fall on the other side of a slot's edge.
      if (due >= 1 && (sent === 0 || sent + 1 < due * ENOUGH))
        return `only ${sent} of ${Math.round(due)} tuples of ${home} were sent`
    }
    return undefined
  }

  #slot(home: DcName, slot: number): SlotState {
    let state = this.#slots[home].get(slot)
    if (!state) {
      this.#slots[home].set(slot, (state = { sent: 0, acknowledged: 0, failed: 0, seen: 0 }))
      if (slot % FORGET_EVERY === 0) this.#forget(home, slot - KEPT_SLOTS)
    }
    return state
  }

  #forget(home: DcName, before: number): void {
    for (const slot of this.#slots[home].keys()) if (slot < before) this.#slots[home].delete(slot)
  }
}

const KEPT_SLOTS = 1_200_000 / SLOT_MS
const FORGET_EVERY = 200

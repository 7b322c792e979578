import type { Interval } from '../core/index.ts'
import { otherDc } from './keys.ts'
import type { DcName, Outcome, Redirect, Routing } from './types.ts'

/** Indeterminate outcomes in a row after which the work of a home goes elsewhere. */
const DOUBTS = 3
/** A data centre that stopped answering is tried again with one batch at a time, this often at most. */
const PROBE_EVERY_MS = 50

/** How one request for a home's work ended. */
export interface RouteOutcome {
  readonly dc: DcName
  readonly attempt: number
  /** Value of {@link HomeRoute.epoch} when its first attempt was sent. */
  readonly epoch: number
  readonly outcome: Outcome
  readonly reason: string
  readonly sentAt: number
  readonly doneAt: number
}

/**
 * Where the work of one home goes. It follows answers only: to the other data centre when that one acknowledges what this one
 * refused, or when this one stopped answering; and back the same way.
 */
export class HomeRoute {
  readonly home: DcName
  readonly #routing: Routing
  readonly #onRedirect: (redirect: Redirect) => void
  #route: DcName
  #epoch = 0
  #doubts = 0
  #suspect: DcName | undefined
  #probing = false
  #probedAt = -Infinity
  #failure: { readonly at: number; readonly reason: string; retriedAt?: number } | undefined
  #pending: { readonly from: DcName; readonly reason: string; readonly decided: Interval } | undefined

  constructor(home: DcName, routing: Routing, onRedirect: (redirect: Redirect) => void) {
    this.home = home
    this.#routing = routing
    this.#onRedirect = onRedirect
    this.#route = typeof routing === 'object' ? routing.pinned : home
  }

  get route(): DcName {
    return this.#route
  }

  /** Counts the decisions: an outcome of an older one cannot change the route. */
  get epoch(): number {
    return this.#epoch
  }

  /** Where a batch goes first. */
  targets(): readonly DcName[] {
    return this.#routing === 'both' ? [this.home, otherDc(this.home)] : [this.#route]
  }

  /** Whether what `dc` has just refused may be tried at the other data centre. If so, it must be. */
  takesRetry(dc: DcName, at: number): boolean {
    if (this.#routing !== 'home') return false
    if (otherDc(dc) === this.#suspect) {
      if (this.#probing || at - this.#probedAt < PROBE_EVERY_MS) return false
      this.#probing = true
      this.#probedAt = at
    }
    if (this.#failure && this.#failure.retriedAt === undefined) this.#failure.retriedAt = at
    return true
  }

  /** Takes an outcome into account. */
  settled(result: RouteOutcome): void {
    if (result.dc === this.#suspect) this.#probing = false
    if (this.#routing !== 'home') return
    if (result.outcome === 'acknowledged') this.#acknowledged(result)
    else if (result.dc === this.#route) this.#failed(result)
  }

  /** Sends everything home again. */
  failback(at: number): void {
    if (this.#routing !== 'home') return
    this.#suspect = undefined
    if (this.#route === this.home) return
    this.#turn(this.home, { reason: 'failback', decided: { earliest: at, latest: at } })
  }

  #acknowledged(result: RouteOutcome): void {
    if (result.dc === this.#suspect) this.#suspect = undefined
    if (result.dc === this.#route) {
      this.#doubts = 0
      this.#failure = undefined
      if (this.#pending && result.epoch === this.#epoch) this.#report(result)
      return
    }
    if (result.epoch !== this.#epoch || result.attempt === 1) return
    // Only what the route's own data centre refused is tried there, so that is where the work has to go.
    const at = this.#failure?.at ?? result.sentAt
    const decided = { earliest: at, latest: Math.max(at, this.#failure?.retriedAt ?? result.sentAt) }
    this.#turn(result.dc, { reason: this.#failure?.reason ?? 'refused', decided })
    this.#report(result)
  }

  #failed(result: RouteOutcome): void {
    this.#failure ??= { at: result.doneAt, reason: result.reason }
    if (result.outcome !== 'indeterminate' || result.epoch !== this.#epoch) return
    if (++this.#doubts < DOUBTS) return
    const from = this.#route
    this.#turn(otherDc(from), {
      reason: this.#failure.reason,
      decided: { earliest: this.#failure.at, latest: result.doneAt },
    })
    this.#suspect = from
    this.#probing = false
    this.#probedAt = result.doneAt
  }

  #turn(to: DcName, why: { readonly reason: string; readonly decided: Interval }): void {
    this.#report(undefined)
    this.#pending = { from: this.#route, ...why }
    this.#route = to
    this.#epoch++
    this.#doubts = 0
    this.#failure = undefined
  }

  #report(result: RouteOutcome | undefined): void {
    if (!this.#pending) return
    const { from, reason, decided } = this.#pending
    this.#pending = undefined
    this.#onRedirect({
      home: this.home,
      from,
      to: this.#route,
      reason,
      decided,
      acknowledged: result && { earliest: result.sentAt, latest: result.doneAt },
    })
  }
}

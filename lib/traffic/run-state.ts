import { formatMs, now, type Probe } from '../core/index.ts'
import { DCS } from './keys.ts'
import type { FromInjector, FromTaps, HomeCounts } from './messages.ts'
import { Steadiness } from './steadiness.ts'
import type { DcName, HomeStats, Redirect, TapStats, TrafficStats } from './types.ts'

const NO_COUNTS: HomeCounts = {
  planned: 0,
  sent: 0,
  acknowledged: 0,
  refused: 0,
  indeterminate: 0,
  shed: 0,
  route: 'east',
  slots: [],
}

const NO_TAP: TapStats = {
  up: false,
  polls: 0,
  failures: 0,
  sights: 0,
  dropped: 0,
  answered: undefined,
  reason: undefined,
}

/** What the threads have reported so far. */
export class RunState {
  readonly steadiness: Steadiness
  readonly redirects: Redirect[] = []
  injector: Extract<FromInjector, { type: 'progress' }> | undefined
  taps: Extract<FromTaps, { type: 'progress' }> | undefined
  drained: Extract<FromInjector, { type: 'drained' }> | undefined
  tapsClosed = false
  sourceEnded = false
  readonly #homes: readonly DcName[]

  constructor(homes: readonly DcName[]) {
    this.#homes = homes
    this.steadiness = new Steadiness(homes)
  }

  injectorProgress(progress: Extract<FromInjector, { type: 'progress' }>): void {
    this.injector = progress
    for (const home of this.#homes) {
      for (const slot of progress.homes[home]?.slots ?? []) this.steadiness.sent(home, slot.slot, slot)
    }
  }

  tapsProgress(progress: Extract<FromTaps, { type: 'progress' }>): void {
    this.taps = progress
    for (const home of this.#homes) {
      for (const { slot, seen } of progress.slots[home]) this.steadiness.seen(home, slot, seen)
    }
  }

  /** Until when everything is reported. */
  get known(): number {
    return Math.min(this.injector?.at ?? -Infinity, this.taps?.at ?? -Infinity)
  }

  /** Acknowledged tuples that no tap has shown. */
  get unseen(): number {
    const { homes } = this.stats()
    return DCS.reduce((sum, home) => sum + Math.max(0, homes[home].acknowledged - homes[home].seen), 0)
  }

  stats(): TrafficStats {
    const home = (dc: DcName): HomeStats => {
      const { slots: _slots, ...counts } = this.injector?.homes[dc] ?? { ...NO_COUNTS, route: dc }
      const { sent, acknowledged, refused, indeterminate } = counts
      const inFlight = sent - acknowledged - refused - indeterminate
      return { ...counts, inFlight, seen: this.taps?.seen[dc] ?? 0 }
    }
    return {
      at: Math.max(this.injector?.at ?? 0, this.taps?.at ?? 0) || now(),
      homes: { east: home('east'), west: home('west') },
      taps: { east: this.taps?.taps.east ?? NO_TAP, west: this.taps?.taps.west ?? NO_TAP },
      lateness: this.injector?.lateness ?? { p50: 0, p99: 0, max: 0 },
      saturated: this.injector?.saturated ?? false,
    }
  }

  /** One line for people who wait. */
  describe(): string {
    const { homes, taps } = this.stats()
    const parts = this.#homes.map((home) => {
      const { sent, acknowledged, refused, indeterminate, seen, route } = homes[home]
      const bad = [refused ? `${refused} refused` : '', indeterminate ? `${indeterminate} in doubt` : ''].filter(
        Boolean,
      )
      return `${home}${route === home ? '' : ` → ${route}`}: ${sent} sent, ${acknowledged} acknowledged, ${seen} seen${bad.length ? `, ${bad.join(', ')}` : ''}`
    })
    const down = DCS.filter((dc) => !taps[dc].up).map((dc) => `tap ${dc} down (${taps[dc].reason ?? 'not read yet'})`)
    return [...parts, ...down].join('; ')
  }
}

/**
 * Whether the taps have shown all that was acknowledged until `drainedAt`; or all that will still come: nothing was new for the
 * settle time, and every tap that is up was read since.
 */
export function shownBy(state: RunState, drainedAt: number, settleMs: number): Probe<undefined> {
  const { taps, unseen } = state
  const quiet = now() - Math.max(drainedAt, taps?.lastNew ?? 0)
  const least = drainedAt + (unseen === 0 ? 0 : settleMs)
  const read = DCS.every((dc) => {
    const tap = taps?.taps[dc]
    return tap !== undefined && (!tap.up || (tap.answered ?? 0) > least)
  })
  if (read && (unseen === 0 || quiet > settleMs)) return { done: true, value: undefined }
  return { done: false, seen: `${unseen} not seen, nothing new for ${formatMs(quiet)} (${state.describe()})` }
}

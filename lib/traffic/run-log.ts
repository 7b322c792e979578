import { formatMs, messageOf, now, type Interval } from '../core/index.ts'
import type { DrillRecorder } from '../history/index.ts'
import { TrafficError } from './errors.ts'
import type { FromTaps, LoopLag } from './messages.ts'
import type { RunSettings } from './settings.ts'
import type { Redirect, TrafficStats } from './types.ts'

type Event = Parameters<DrillRecorder['event']>[0]

/** Writes what happens to a run's traffic into the drill's history. */
export class RunLog {
  readonly #recorder: DrillRecorder
  readonly #onFailure: (error: TrafficError) => void
  /** Set when the run is over: a recorder that is closed by then has nothing more to learn. */
  closing = false

  constructor(recorder: DrillRecorder, onFailure: (error: TrafficError) => void) {
    this.#recorder = recorder
    this.#onFailure = onFailure
  }

  started(at: number, settings: RunSettings, seed: number): void {
    const { rate, keys, homes, profile, batchEveryMs, tapEveryMs: pollEveryMs } = settings
    const detail = `${keys} keys, homes ${homes.join(' and ')}, profile ${profile.kind}, seed ${seed}`
    this.#event({ type: 'traffic', event: 'started', at: instant(at), rate, batchEveryMs, pollEveryMs, detail })
  }

  steady(at: Interval, forMs: number): void {
    this.#event({ type: 'traffic', event: 'steady', at, forMs })
  }

  redirected({ home, from, to, reason, decided, acknowledged }: Redirect): void {
    const after = formatMs(decided.latest - decided.earliest)
    const then = acknowledged
      ? `first acknowledgement ${formatMs(acknowledged.latest - decided.earliest)} after it`
      : 'never acknowledged there'
    this.#event({
      type: 'traffic',
      event: reason === 'failback' ? 'failback' : 'redirected',
      at: { earliest: decided.earliest, latest: acknowledged?.latest ?? decided.latest },
      home,
      from,
      to,
      detail: `${reason}; first sent there ${after} after the first failure, ${then}`,
    })
  }

  stopped(at: Interval): void {
    this.#event({ type: 'traffic', event: 'stopped', at })
  }

  drained(at: Interval, unseen: number): void {
    const detail = unseen === 0 ? 'every acknowledged tuple was seen' : `${unseen} acknowledged tuples were not seen`
    this.#event({ type: 'traffic', event: 'drained', at, detail })
  }

  tap({ dc, event, earliest, latest, dropped, reason }: Extract<FromTaps, { type: 'tap' }>): void {
    const more = { ...(dropped === undefined ? {} : { dropped }), ...(reason === undefined ? {} : { reason }) }
    this.#event({ type: 'tap', dc, event, at: { earliest, latest }, ...more })
  }

  lag(source: 'runner' | 'injector' | 'tap', { earliest, latest, ...times }: LoopLag): void {
    this.#event({ type: 'lag', at: { earliest, latest }, kind: 'event-loop', source, ...times })
  }

  lateness({ earliest, latest, ...times }: LoopLag, count: number): void {
    this.#event({ type: 'lag', at: { earliest, latest }, kind: 'lateness', source: 'injector', ...times, count })
  }

  /** Whether the generator kept its schedule. */
  gate({ lateness, saturated, homes }: TrafficStats): void {
    const shed = homes.east.shed + homes.west.shed
    const times = `lateness p50 ${fine(lateness.p50)}, p99 ${fine(lateness.p99)}, max ${fine(lateness.max)}`
    this.#event({
      type: 'gate',
      at: now(),
      name: 'generator',
      verdict: saturated ? 'inconclusive' : 'pass',
      detail: saturated ? `saturated: ${shed} tuples were due and never sent; ${times}` : times,
    })
  }

  died(detail: string): void {
    const at = now()
    this.#event({ type: 'traffic', event: 'worker-died', at: instant(at), detail })
    this.#event({ type: 'gate', at, name: 'traffic', verdict: 'inconclusive', detail })
  }

  #event(event: Event): void {
    try {
      this.#recorder.event(event)
    } catch (error) {
      if (this.closing) return
      this.closing = true
      this.#onFailure(new TrafficError(`The history cannot be written: ${messageOf(error)}`, { cause: error }))
    }
  }
}

function instant(at: number): Interval {
  return { earliest: at, latest: at }
}

function fine(ms: number): string {
  return `${ms.toFixed(1)}ms`
}

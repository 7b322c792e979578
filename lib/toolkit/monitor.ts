import { ConfigurationError, formatMs, now, toMs, type Duration, type Interval, type Observed } from '../core/index.ts'
import type { DcName, HistoryEventInput } from '../history/index.ts'
import { classify } from './classify.ts'
import { CycleWaits } from './cycle-waits.ts'
import { describeMonitor } from './describe.ts'
import { UnexpectedTakeoverError } from './errors.ts'
import { observationEvent, pairEvent } from './monitor-events.ts'
import type { FailoverMonitor, MonitorChange, MonitorWaitOptions } from './monitor-api.ts'
import type { Observation } from './observation.ts'
import { SiteTrack } from './site-track.ts'
import { watchSite, type WatchedDc } from './site-watch.ts'
import type { DcState, PairView, Takeover } from './view.ts'

/** Options of {@link openMonitor}. */
export interface MonitorOptions {
  /** Both data centres, by name. */
  readonly dcs: Readonly<Record<DcName, WatchedDc>>
  /** Name under which the application invokes the failover composite. Default `CrossDCFailover`. */
  readonly operatorPrefix?: string
  /** Pause between the starts of two requests to one data centre. Default 50ms. */
  readonly every?: Duration
  /** Pause between two probes of other services, and between two reads of traces. Default 250ms. */
  readonly probeEvery?: Duration
  /** Deadline of each request. Default 2s. */
  readonly requestWithin?: Duration
  /** How long no answer may be bad luck, before the service counts as down. Default 1s. */
  readonly patience?: Duration
  /** Metrics that are not collected anew for this long are stale. Default: 20 times `every`, but at least 2s. */
  readonly staleAfter?: Duration
  /** Gets an `observation` for every change at a data centre and a `pair` for every change of the pair. */
  readonly recorder?: { event(event: HistoryEventInput): void } | undefined
  readonly signal?: AbortSignal | undefined
}

/** Begins to watch a pair. Returns at once; what is not known yet is `unknown`. */
export function openMonitor(options: MonitorOptions): FailoverMonitor {
  const monitor = new PairMonitor(options)
  monitor.start()
  return {
    dcs: monitor.dcs,
    state: (dc) => monitor.state(dc),
    pair: () => monitor.pair(),
    onChange: (listener) => monitor.onChange(listener),
    dataPlane: { report: ({ dc, up, at }) => monitor.dataPlane(dc, up, at) },
    waitFor: (predicate, wait) => monitor.waitFor(predicate, wait),
    completedTakeover: (wait) => monitor.completedTakeover(wait),
    reconverged: (wait) => monitor.reconverged(wait),
    snapshotsReplicated: (wait) => monitor.snapshotsReplicated(wait),
    noTakeoverDuring: (wait) => monitor.noTakeoverDuring(wait),
    describe: () => monitor.describe(),
    [Symbol.asyncDispose]: () => monitor.close(),
  }
}

class PairMonitor {
  readonly dcs: readonly DcName[] = ['east', 'west']
  readonly #options: MonitorOptions
  readonly #tracks: readonly [SiteTrack, SiteTrack]
  readonly #end = new AbortController()
  readonly #signal: AbortSignal
  readonly #listeners = new Set<(change: MonitorChange) => void>()
  readonly #waits: CycleWaits
  #pair: PairView
  #running: Promise<unknown> = Promise.resolve()

  constructor(options: MonitorOptions) {
    this.#options = options
    const every = toMs(options.every ?? '50ms')
    const patienceMs = toMs(options.patience ?? '1s')
    const staleMs = options.staleAfter === undefined ? Math.max(2000, 20 * every) : toMs(options.staleAfter)
    this.#tracks = [
      new SiteTrack({ dc: 'east', patienceMs, staleMs }),
      new SiteTrack({ dc: 'west', patienceMs, staleMs }),
    ]
    this.#signal = options.signal ? AbortSignal.any([options.signal, this.#end.signal]) : this.#end.signal
    this.#waits = new CycleWaits({ signal: this.#signal, seen: () => this.describe() })
    const began = now()
    this.#pair = { ...this.#classify(began), at: { earliest: began, latest: began } }
  }

  start(): void {
    const {
      dcs,
      operatorPrefix = 'CrossDCFailover',
      every = '50ms',
      probeEvery = '250ms',
      requestWithin = '2s',
    } = this.#options
    const watches = this.#tracks.map((track) => {
      const onCycle = (news: readonly Observation[]): void => this.#cycle(track, news)
      const tracesAfter = this.#options.patience ?? '1s'
      const common = { operatorPrefix, every, probeEvery, requestWithin, tracesAfter, signal: this.#signal }
      return watchSite({ ...dcs[track.dc], ...common, track, onCycle })
    })
    this.#running = Promise.all(watches)
  }

  async close(): Promise<void> {
    this.#end.abort()
    await this.#running
  }

  state(dc: string): DcState {
    return this.#track(dc).state(now())
  }

  pair(): PairView {
    return this.#pair
  }

  onChange(listener: (change: MonitorChange) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  dataPlane(dc: string, up: boolean, at: number): void {
    const track = this.#track(dc)
    this.#cycle(track, track.dataPlane(up, at))
  }

  describe(): string {
    const at = now()
    return describeMonitor(
      this.#tracks.map((track) => track.state(at)),
      this.#pair,
      at,
    )
  }

  waitFor(
    predicate: (monitor: Pick<FailoverMonitor, 'state' | 'pair'>) => boolean,
    options: MonitorWaitOptions & { readonly describe: string },
  ): Promise<Observed<PairView>> {
    const view = { state: (dc: string) => this.state(dc), pair: () => this.#pair }
    return this.#waits.until(() => (predicate(view) ? this.#pair : undefined), options)
  }

  async completedTakeover(
    options: MonitorWaitOptions & { readonly survivor: string; readonly since?: number },
  ): Promise<Takeover> {
    const { survivor, since = Number.NEGATIVE_INFINITY } = options
    const track = this.#track(survivor)
    const completed = (): Takeover | undefined =>
      track.state(now()).takeovers.findLast(({ detection }) => detection.latest >= since)
    const { value } = await this.#waits.until(completed, { ...options, describe: `${survivor} to take its peer over` })
    return value
  }

  reconverged(options: MonitorWaitOptions & { readonly since?: number }): Promise<Observed<PairView>> {
    const { since } = options
    const heard = (at: Interval | undefined): boolean =>
      since === undefined || (at !== undefined && at.earliest >= since)
    return this.#waits.until(
      () => {
        const states = this.#states()
        const together = states.every(
          ({ peerView, heartbeatReceivedAt }) => peerView === 'up' && heard(heartbeatReceivedAt),
        )
        return together && this.#pair.state === 'normal' ? this.#pair : undefined
      },
      { ...options, describe: 'both data centres to see each other up again' },
    )
  }

  snapshotsReplicated(
    options: MonitorWaitOptions & { readonly since?: number; readonly receivers?: readonly string[] },
  ): Promise<Observed<PairView>> {
    const { since = now() } = options
    return this.#waits.until(
      () => {
        const states = this.#states()
        // A passive data centre makes no snapshots: its application is not there.
        const receivers =
          options.receivers ??
          this.dcs.filter((dc) => states.some((peer) => peer.dc !== dc && peer.application !== 'gone'))
        const replicated = states.every(
          ({ dc, snapshotReceivedAt: at }) => !receivers.includes(dc) || (at !== undefined && at.earliest >= since),
        )
        return replicated && receivers.length > 0 ? this.#pair : undefined
      },
      { ...options, describe: 'a snapshot of each state to arrive at the other data centre' },
    )
  }

  async noTakeoverDuring(options: {
    readonly for: Duration
    readonly since?: number
    readonly signal?: AbortSignal | undefined
  }): Promise<void> {
    const { since = now(), signal } = options
    const until = now() + toMs(options.for)
    const quiet = (): true | undefined => {
      const states = this.#states()
      for (const { dc, declarations, takeovers } of states) {
        const declared = declarations.find((at) => at.latest >= since)
        const taken = takeovers.find(({ takeover }) => takeover.latest >= since)
        if (declared || taken) throw unexpected(dc, declared, taken, since)
      }
      return states.every(({ coveredUntil }) => coveredUntil !== undefined && coveredUntil >= until) ? true : undefined
    }
    const within: Duration = `${Math.ceil(toMs(options.for)) + 10_000}ms`
    const describe = `${formatMs(toMs(options.for))} in which nothing is taken over, seen to their end at both data centres`
    await this.#waits.until(quiet, { within, signal, describe })
  }

  #track(dc: string): SiteTrack {
    const track = this.#tracks.find((candidate) => candidate.dc === dc)
    if (track) return track
    throw new ConfigurationError(`The monitor watches no data centre ${JSON.stringify(dc)}.`, {
      remedy: `It watches ${this.dcs.join(' and ')}.`,
    })
  }

  #states(): readonly DcState[] {
    const at = now()
    return this.#tracks.map((track) => track.state(at))
  }

  #classify(at: number): ReturnType<typeof classify> {
    const [first, second] = this.#tracks
    return classify(first.state(at), second.state(at))
  }

  #cycle(track: SiteTrack, news: readonly Observation[]): void {
    const { recorder } = this.#options
    for (const observation of news) recorder?.event(observationEvent(observation))
    if (news.length > 0) {
      const state = track.state(now())
      this.#announce({ type: 'dc', state, news })
    }
    this.#judge(news)
    this.#waits.check()
  }

  #judge(news: readonly Observation[]): void {
    const at = now()
    const found = this.#classify(at)
    const { state, subject } = this.#pair
    if (found.state === state && found.subject === subject) {
      this.#pair = { ...found, at: this.#pair.at }
      return
    }
    // The last cause makes the state; without one (staleness) it is the time of this look.
    const causes = news.map((observation) => observation.at)
    const latest = causes.reduce<Interval | undefined>(
      (last, next) => (last && last.latest > next.latest ? last : next),
      undefined,
    )
    const changed = latest ?? { earliest: at, latest: at }
    this.#pair = { ...found, at: found.state === 'normal' ? this.#togetherSince(changed) : changed }
    this.#options.recorder?.event(pairEvent(this.#pair))
    this.#announce({ type: 'pair', pair: this.#pair })
  }

  /** Both see each other up only when the later of them does, however far back the last cause may reach. */
  #togetherSince({ earliest, latest }: Interval): Interval {
    const views = this.#tracks.map((track) => track.state(latest).at.earliest)
    return { earliest: Math.min(latest, Math.max(earliest, ...views)), latest }
  }

  #announce(change: MonitorChange): void {
    for (const listener of [...this.#listeners]) listener(change)
  }
}

function unexpected(
  dc: string,
  declared: Interval | undefined,
  taken: Takeover | undefined,
  since: number,
): UnexpectedTakeoverError {
  const what = declared ? 'declared its peer down' : `took over ${taken?.pieces ?? 0} pieces of state`
  const at = declared ?? taken?.takeover ?? { earliest: since, latest: since }
  const when = `${formatMs(at.earliest - since)} to ${formatMs(at.latest - since)} after the watch began`
  return new UnexpectedTakeoverError(`${dc} ${what} (${when}), although nothing should have been noticed.`, {
    remedy: "Compare the outage's length with the prediction's invisibleOutage and invisibleCut.",
    details: { dc, at },
  })
}

import { AbortedError, eventually, formatMs, now, seeded, toMs, type Duration, type Probe } from '../core/index.ts'
import { EndpointBook } from './endpoint-book.ts'
import { TrafficError } from './errors.ts'
import { feederOf, type Feeder } from './feeder.ts'
import { monitorLoopLag } from './loop-lag.ts'
import type { FromInjector, FromTaps } from './messages.ts'
import { planned } from './profile.ts'
import type { RunContext } from './run-context.ts'
import { RunLog } from './run-log.ts'
import { RunState, shownBy } from './run-state.ts'
import { RunThreads } from './run-threads.ts'
import { counterSchema } from './schema.ts'
import type { DcName, Redirect, SteadyState, TrafficRun, TrafficStats } from './types.ts'

const CHECK_EVERY: Duration = '25ms'
/** Time beyond the request timeout for the last outcomes to be written. */
const DRAIN_GRACE_MS = 3000

/** A run's threads, what they report, and what is written about it. */
export class Run implements TrafficRun {
  readonly #context: RunContext
  readonly #state: RunState
  readonly #log: RunLog
  readonly #book: EndpointBook
  readonly #threads: RunThreads
  readonly #death = new AbortController()
  readonly #closing = new AbortController()
  readonly #feeder: Feeder | undefined
  readonly #lag = monitorLoopLag()
  readonly #lagTimer: NodeJS.Timeout
  #tapsReady = false
  #startedAt: number | undefined
  #stopping: Promise<TrafficStats> | undefined
  #ending: Promise<void> | undefined

  constructor(context: RunContext) {
    this.#context = context
    this.#state = new RunState(context.settings.homes)
    this.#log = new RunLog(context.options.recorder, (error) => this.#died(error))
    this.#book = new EndpointBook(context.finders)
    this.#threads = new RunThreads(context)
    const random = seeded(context.options.seed)
    this.#feeder = feederOf(context.options.schema ?? counterSchema, context.start.source, random)
    this.#lagTimer = setInterval(() => this.#log.lag('runner', this.#lag.take()), 1000)
    this.#lagTimer.unref()
  }

  /** Finds the endpoints, starts the threads, reads both taps once, and begins to send. */
  async begin(): Promise<void> {
    const { options, settings } = this.#context
    try {
      const needed = typeof settings.routing === 'object' ? [settings.routing.pinned] : settings.homes
      await this.#book.findAll(needed, options.signal)
      await this.#threads.start(this.#book, this.#feeder !== undefined, {
        onInjector: (message) => this.#fromInjector(message),
        onTaps: (message) => this.#fromTaps(message),
        onDeath: (error) => this.#died(error),
      })
      await this.#wait('the traffic threads to be ready', '20s', options.signal, () =>
        this.#threads.keysTold && this.#tapsReady
          ? { done: true, value: undefined }
          : { done: false, seen: 'starting' },
      )
      if (this.#feeder) await this.#feed()
      this.#threads.toTaps({ type: 'begin' })
      this.#threads.toInjector({ type: 'go' })
      await this.#wait('the schedule to begin', '5s', options.signal, () =>
        this.#startedAt === undefined ? { done: false, seen: 'not yet' } : { done: true, value: undefined },
      )
    } catch (error) {
      await this.#end()
      throw error
    }
    this.#log.started(this.#startedAt ?? now(), settings, options.seed)
  }

  /** True once its threads are gone, or going. */
  get ended(): boolean {
    return this.#ending !== undefined
  }

  stats(): TrafficStats {
    return this.#state.stats()
  }

  redirects(): readonly Redirect[] {
    return [...this.#state.redirects]
  }

  async steady(options: {
    readonly for: Duration
    readonly within?: Duration
    readonly signal?: AbortSignal
  }): Promise<SteadyState> {
    this.#mustRun('be steady')
    const { settings } = this.#context
    const forMs = toMs(options.for)
    const since = now()
    const { steadiness } = this.#state
    const startedAt = this.#startedAt ?? since
    const due = (_home: DcName, from: number, to: number): number =>
      (settings.rate / settings.homes.length) *
      (planned(settings.profile, to - startedAt) - planned(settings.profile, from - startedAt))
    const what = `traffic to be steady for ${options.for}`
    const value = await this.#wait<SteadyState>(what, options.within ?? settings.patience, options.signal, () => {
      const answer = steadiness.find({
        since,
        forMs,
        known: this.#state.known,
        settleMs: settings.settleMs,
        planned: due,
      })
      if (answer.steady) {
        const length = answer.at.latest - answer.at.earliest
        return { done: true, value: { at: answer.at, rate: (answer.tuples * 1000) / length } }
      }
      const progress = `${formatMs(answer.forMs)} so far; last miss: ${answer.missing}`
      return { done: false, seen: `${progress} (${this.#state.describe()})` }
    })
    this.#log.steady(value.at, forMs)
    return value
  }

  async failback(options: { readonly within?: Duration; readonly signal?: AbortSignal } = {}): Promise<void> {
    this.#mustRun('fail back')
    const earliest = now()
    const before = this.#state.stats().homes
    const away = this.#context.settings.homes.filter((home) => before[home].route !== home)
    this.#threads.toInjector({ type: 'failback' })
    const back = (home: DcName): boolean =>
      this.#state.redirects.some(
        ({ home: of, to, acknowledged }) => of === home && to === home && (acknowledged?.latest ?? 0) > earliest,
      )
    await this.#wait('every home to acknowledge its own work again', options.within ?? '30s', options.signal, () => {
      const missing = away.filter((home) => !back(home))
      if (missing.length === 0) return { done: true, value: undefined }
      return { done: false, seen: `not yet ${missing.join(' and ')} (${this.#state.describe()})` }
    })
  }

  async finished(options: { readonly within?: Duration; readonly signal?: AbortSignal } = {}): Promise<void> {
    this.#mustRun('come to its end')
    await this.#wait('the source of the tuples to end', options.within ?? '60s', options.signal, () =>
      this.#state.sourceEnded ? { done: true, value: undefined } : { done: false, seen: this.#state.describe() },
    )
  }

  stop(options: { readonly within?: Duration; readonly signal?: AbortSignal } = {}): Promise<TrafficStats> {
    return (this.#stopping ??= this.#stop(options).finally(() => this.#end()))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#stopping) await this.#stopping.catch(() => undefined)
    await this.#end()
  }

  async #stop(options: { readonly within?: Duration; readonly signal?: AbortSignal }): Promise<TrafficStats> {
    const deadline = now() + toMs(options.within ?? '30s')
    const left = (): Duration => `${Math.max(1, Math.round(deadline - now()))}ms`
    const { settings } = this.#context
    const stoppedAt = now()
    this.#threads.toInjector({ type: 'stop' })
    await this.#wait('the last outcomes', left(), options.signal, () =>
      this.#state.drained ? { done: true, value: undefined } : { done: false, seen: this.#state.describe() },
    )
    const drainedAt = now()
    this.#log.stopped({ earliest: stoppedAt, latest: drainedAt })
    await this.#wait('the taps to show what was acknowledged', left(), options.signal, () =>
      shownBy(this.#state, drainedAt, settings.settleMs),
    )
    this.#threads.toTaps({ type: 'stop' })
    await this.#wait('the taps to close', '5s', options.signal, () =>
      this.#state.tapsClosed ? { done: true, value: undefined } : { done: false, seen: 'open' },
    )
    this.#log.drained({ earliest: drainedAt, latest: now() }, this.#state.unseen)
    this.#log.gate(this.stats())
    return this.stats()
  }

  /** Ends threads and timers, gracefully if they answer: what they have buffered is worth keeping. Idempotent. */
  #end(): Promise<void> {
    return (this.#ending ??= this.#close())
  }

  async #close(): Promise<void> {
    clearInterval(this.#lagTimer)
    this.#log.lag('runner', this.#lag.take())
    this.#lag.stop()
    this.#log.closing = true
    this.#closing.abort(new TrafficError('The traffic was stopped.'))
    const graceMs = this.#death.signal.aborted ? 200 : this.#context.settings.requestTimeoutMs + DRAIN_GRACE_MS
    await Promise.all([this.#threads.close(graceMs), this.#feeder?.close()])
  }

  #fromInjector(message: FromInjector): void {
    switch (message.type) {
      case 'ready':
        this.#context.onKeys(message.firstKey)
        return this.#threads.keysAt(message.firstKey)
      case 'started':
        this.#startedAt = message.at
        return
      case 'progress':
        return this.#state.injectorProgress(message)
      case 'redirect':
        this.#state.redirects.push(message.redirect)
        return this.#log.redirected(message.redirect)
      case 'lag':
        return this.#log.lag('injector', message.lag)
      case 'lateness':
        return this.#log.lateness(message.lag, message.count)
      case 'lost-endpoint':
        return void this.#searchAgain(message.dc)
      case 'need-rows':
        return void this.#feed()
      case 'source-ended':
        this.#state.sourceEnded = true
        return
      case 'drained':
        this.#state.drained = message
        return this.#context.onDrained(message)
    }
  }

  #fromTaps(message: FromTaps): void {
    switch (message.type) {
      case 'ready':
        this.#tapsReady = true
        return
      case 'progress':
        return this.#state.tapsProgress(message)
      case 'tap':
        return this.#log.tap(message)
      case 'lag':
        return this.#log.lag('tap', message.lag)
      case 'lost-endpoint':
        return void this.#searchAgain(message.dc)
      case 'closed':
        this.#state.tapsClosed = true
    }
  }

  async #searchAgain(dc: DcName): Promise<void> {
    if (this.ended || !(await this.#book.findAgain(dc, this.#closing.signal)) || this.ended) return
    this.#threads.toInjector({ type: 'endpoints', endpoints: this.#book.inject })
    this.#threads.toTaps({ type: 'endpoints', endpoints: this.#book.inspect })
  }

  async #feed(): Promise<void> {
    try {
      const next = await this.#feeder?.take()
      if (next && !this.ended) this.#threads.toInjector({ type: 'rows', ...next })
    } catch (error) {
      this.#died(new TrafficError('The source of the tuples failed.', { cause: error }))
    }
  }

  #died(error: TrafficError): void {
    if (this.#death.signal.aborted) return
    this.#log.died(error.message)
    this.#death.abort(error)
    // One thread without the other measures nothing.
    void this.#end()
  }

  #mustRun(what: string): void {
    this.#death.signal.throwIfAborted()
    if (this.#stopping || this.ended) throw new TrafficError(`Traffic that was stopped cannot ${what}.`)
  }

  async #wait<T>(
    describe: string,
    within: Duration,
    signal: AbortSignal | undefined,
    check: () => Probe<T>,
  ): Promise<T> {
    const closing = this.#stopping ? undefined : this.#closing.signal
    const all = [this.#death.signal, closing, this.#context.options.signal, signal]
    const signals = all.filter((one) => one !== undefined)
    const onProgress = this.#context.options.onProgress
    try {
      const { value } = await eventually(() => Promise.resolve().then(check), {
        within,
        every: CHECK_EVERY,
        describe,
        signal: AbortSignal.any(signals),
        onAttempt: (seen, elapsedMs) => onProgress?.(`${describe}: ${formatMs(elapsedMs)}, ${seen}`),
      })
      return value
    } catch (error) {
      if (error instanceof AbortedError && this.#death.signal.reason instanceof TrafficError)
        throw this.#death.signal.reason
      throw error
    }
  }
}

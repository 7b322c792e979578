import { setTimeout as delay } from 'node:timers/promises'
import { now } from '../core/index.ts'
import type { SightLog } from '../history/tuple-log.ts'
import type { Endpoint } from './endpoint.ts'
import type { FromTaps } from './messages.ts'
import type { Sighting } from './sight-reader.ts'
import { openTapReader, type TapAnswer, type TapFailure, type TapReader } from './tap-read.ts'
import { httpTarget } from './target.ts'
import type { DcName, TapStats } from './types.ts'

/** A tap that cannot be read is tried again after this long. */
const RETRY_MS = 25

/** Options of a {@link Tap}. */
export interface TapOptions {
  readonly dc: DcName
  readonly log: SightLog
  readonly everyMs: number
  readonly timeoutMs: number
  readonly maxItems: number
  readonly read: (item: unknown) => Sighting
  readonly onSight: (sighting: Sighting) => void
  readonly post: (message: FromTaps) => void
}

/**
 * Reads one data centre's results over and over. The next read starts when the last was answered, and not sooner than
 * `everyMs` after that one started. What a read returns was not yet there when the previous one was asked for: unless that one
 * was full, then the bound is the one before it.
 */
export class Tap {
  readonly #options: TapOptions
  readonly #stopping = new AbortController()
  #endpoint: Endpoint | undefined
  #reader: TapReader | undefined
  #previousAsked = now()
  readonly #lastOfKey = new Map<number, number>()
  #up: boolean | undefined
  #polls = 0
  #failures = 0
  #sights = 0
  #dropped = 0
  #answered: number | undefined
  #reason: string | undefined
  #lostAt = -Infinity
  /** True once tuples of this run may be in the buffer: what it drops from then on is ours. */
  live = false

  constructor(options: TapOptions) {
    this.#options = options
  }

  use(endpoint: Endpoint | undefined): void {
    if (JSON.stringify(endpoint) === JSON.stringify(this.#endpoint)) return
    this.#endpoint = endpoint
    void this.#reader?.destroy()
    this.#reader = undefined
  }

  stats(): TapStats {
    return {
      up: this.#up === true,
      polls: this.#polls,
      failures: this.#failures,
      sights: this.#sights,
      dropped: this.#dropped,
      answered: this.#answered,
      reason: this.#up ? undefined : this.#reason,
    }
  }

  /** Reads until {@link stop} is called. `onFirst` is called after the first read, however it went. */
  async run(onFirst: () => void): Promise<void> {
    const { dc, post } = this.#options
    post({ type: 'tap', dc, event: 'started', earliest: this.#previousAsked, latest: this.#previousAsked })
    let first = true
    while (!this.#stopping.signal.aborted) {
      const wait = await this.#poll()
      if (first) onFirst()
      first = false
      await delay(wait, undefined, { signal: this.#stopping.signal }).catch(() => undefined)
    }
    await this.#reader?.destroy()
    const at = now()
    post({ type: 'tap', dc, event: 'stopped', earliest: at, latest: at })
  }

  stop(): void {
    this.#stopping.abort()
  }

  /** One read. Returns how long to wait for the next. */
  async #poll(): Promise<number> {
    const { timeoutMs, maxItems, everyMs } = this.#options
    if (!this.#endpoint) {
      const at = now()
      this.#lostEndpoint(at)
      this.#failed({ asked: at, failed: at, reason: 'no endpoint', status: undefined, tuplesLost: false })
      return RETRY_MS
    }
    const reader = (this.#reader ??= openTapReader(httpTarget(this.#endpoint, timeoutMs), maxItems))
    const result = await reader.read(timeoutMs)
    if ('reason' in result) {
      if (result.status === 404) this.#lostEndpoint(result.failed)
      if (result.status === undefined) {
        await reader.destroy()
        if (this.#reader === reader) this.#reader = undefined
      }
      this.#failed(result)
      return RETRY_MS
    }
    this.#took(result)
    return result.items.length >= maxItems ? 0 : Math.max(0, result.asked + everyMs - now())
  }

  #took(answer: TapAnswer): void {
    const { dc, log, read, onSight, post, maxItems } = this.#options
    this.#polls++
    this.#answered = answer.answered
    if (this.#up !== true) {
      this.#up = true
      post({ type: 'tap', dc, event: 'up', earliest: answer.asked, latest: answer.answered })
    }
    const sightings = answer.items.map(read)
    const holes = this.#holes(sightings)
    // A service that does not count leaves its warning, or a full answer with holes in it.
    const silent = answer.warned ? Math.max(1, holes) : answer.items.length >= maxItems ? holes : 0
    this.#record({ ...answer, overrun: answer.dropped ?? silent })
    if (answer.items.length < maxItems) this.#previousAsked = answer.asked
    for (const sighting of sightings) {
      log.sight(sighting)
      onSight(sighting)
    }
    this.#sights += answer.items.length
  }

  #record(poll: { readonly asked: number; readonly answered: number; readonly overrun: number }): void {
    const { dc, log, post } = this.#options
    const { asked, answered } = poll
    const previousAsked = this.#previousAsked
    // What was dropped before the traffic began is not ours.
    const overrun = this.live ? poll.overrun : 0
    log.poll({ dc, asked, answered, previousAsked, overrun })
    if (overrun === 0) return
    this.#dropped += overrun
    post({ type: 'tap', dc, event: 'overrun', earliest: previousAsked, latest: answered, dropped: overrun })
  }

  /** How many numbers of known keys were left out since they were last seen here. */
  #holes(sightings: readonly Sighting[]): number {
    let holes = 0
    for (const { key, keySeq, flags } of sightings) {
      if (flags !== 0) continue
      const last = this.#lastOfKey.get(key)
      if (last !== undefined && keySeq > last + 1) holes += keySeq - last - 1
      if (last === undefined || keySeq > last) this.#lastOfKey.set(key, keySeq)
    }
    return holes
  }

  #failed(failure: TapFailure): void {
    const { dc, post } = this.#options
    this.#failures++
    this.#reason = failure.reason
    // Tuples were given out and never arrived: for the ledger that is what an overrun is. How many is not known.
    if (failure.tuplesLost) this.#record({ asked: failure.asked, answered: failure.failed, overrun: 1 })
    if (this.#up === false) return
    this.#up = false
    post({ type: 'tap', dc, event: 'down', earliest: failure.asked, latest: failure.failed, reason: failure.reason })
  }

  #lostEndpoint(at: number): void {
    if (at - this.#lostAt < 200) return
    this.#lostAt = at
    this.#options.post({ type: 'lost-endpoint', dc: this.#options.dc })
  }
}

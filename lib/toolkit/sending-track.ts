import type { Interval } from '../core/index.ts'
import type { CounterChange } from './counter-track.ts'
import type { Evidence, Heartbeating, ToolkitCounters } from './view.ts'

/** Ticks without a heartbeat after which a sender counts as silent: one more than sampling alone can make of a tick. */
const SILENT_TICKS = 2

/** What changed about a sender. */
export type SendingNews =
  | { readonly type: 'heartbeats'; readonly value: Heartbeating; readonly at: Interval; readonly evidence: Evidence }
  | { readonly type: 'shutdown'; readonly at: Interval; readonly evidence: Evidence }

/** Changes of the preparer's counters in one collection. */
export type CounterChanges = Readonly<Partial<Record<keyof ToolkitCounters, CounterChange>>>

/** Follows whether a data centre sends heartbeats, and whether it was shut down in an orderly way. */
export class SendingTrack {
  #heartbeating: Heartbeating = 'unknown'
  #quiesced = false
  #ticksAtHeartbeat: number | undefined
  #lastSent: Interval | undefined
  #shutdown: { readonly at: Interval; readonly sentBefore: number; readonly heartbeats: number } | undefined

  get heartbeating(): Heartbeating {
    return this.#heartbeating
  }

  get quiesced(): boolean {
    return this.#quiesced
  }

  /** The preparer's PE was launched anew: it knows nothing of a shutdown. */
  relaunched(): void {
    this.lost()
    this.#shutdown = undefined
    this.#quiesced = false
  }

  /** Nothing is known of the sender for now. */
  lost(): void {
    this.#heartbeating = 'unknown'
    this.#ticksAtHeartbeat = undefined
  }

  /** A trace line says that the shutdown message was sent. @returns false if that was known */
  quiesce(): boolean {
    if (this.#quiesced) return false
    this.#quiesced = true
    return true
  }

  /** @param peerIsDown the data centre holds its peer for down, so that silence is the rule (reference §7, 3) */
  collect(values: ToolkitCounters, changes: CounterChanges, peerIsDown: boolean): readonly SendingNews[] {
    const { ticks, heartbeatsSent } = values
    if (heartbeatsSent === undefined || ticks === undefined) return []
    const sent = changes.heartbeatsSent
    if (sent) this.#lastSent = sent.at
    if (sent || this.#ticksAtHeartbeat === undefined) this.#ticksAtHeartbeat = ticks
    const news: SendingNews[] = []
    const next = this.#next(ticks - this.#ticksAtHeartbeat, sent)
    if (next !== this.#heartbeating) {
      this.#heartbeating = next
      const until = (next === 'sending' ? sent : changes.ticks)?.at
      if (until) {
        const earliest = next === 'sending' ? until.earliest : (this.#lastSent ?? until).earliest
        const detail = `HeartbeatMessagePreparer submitted ${heartbeatsSent} heartbeats in ${ticks} ticks`
        const at = { earliest: Math.min(earliest, until.latest), latest: until.latest }
        news.push({ type: 'heartbeats', value: next, at, evidence: { kind: 'toolkit-metrics', detail } })
      }
    }
    const shutdown = this.#shuttingDown(values, changes, peerIsDown)
    if (shutdown) news.push({ type: 'shutdown', ...shutdown })
    return news
  }

  #next(quietTicks: number, sent: CounterChange | undefined): Heartbeating {
    if (quietTicks >= SILENT_TICKS) return 'silent'
    return sent && !sent.initial && sent.to > 0 ? 'sending' : this.#heartbeating
  }

  /** `OrderlyShutdown`: a special message was handled, a control message went out, and no heartbeat since. */
  #shuttingDown(
    { controlSent = 0, heartbeatsSent = 0 }: ToolkitCounters,
    changes: CounterChanges,
    peerIsDown: boolean,
  ): { readonly at: Interval; readonly evidence: Evidence } | undefined {
    const special = changes.specialMessages
    if (special && special.to > 0) {
      const sentBefore = special.initial ? 0 : (changes.controlSent?.from ?? controlSent)
      this.#shutdown = { at: special.at, sentBefore, heartbeats: heartbeatsSent }
    }
    const heard = this.#shutdown
    if (!heard || this.#quiesced) return undefined
    const frozen = this.#heartbeating === 'silent' && !peerIsDown
    if (!frozen && !(controlSent > heard.sentBefore && heartbeatsSent === heard.heartbeats)) return undefined
    this.#quiesced = true
    const detail = 'HeartbeatMessagePreparer handled a special message, sent a control message, and no heartbeat since'
    return { at: heard.at, evidence: { kind: 'toolkit-metrics', detail } }
  }
}

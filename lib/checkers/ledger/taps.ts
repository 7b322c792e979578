/** Times between two looks that are longer than this are remembered one by one. */
const LONG_GAP_MS = 250

/** What is known of one tap: when it looked, and when its buffer dropped tuples unread. Instants are absolute. */
export class Tap {
  polls = 0
  firstAsked = Number.POSITIVE_INFINITY
  lastAsked = Number.NEGATIVE_INFINITY
  lastAnswered = Number.NEGATIVE_INFINITY
  /** Longest time between two looks. */
  longestGapMs = 0
  dropped = 0
  /** Times in which tuples were dropped unread. */
  readonly overruns: { earliest: number; latest: number }[] = []
  readonly #gaps: { readonly from: number; readonly to: number }[] = []

  poll(asked: number, answered: number, previousAsked: number, overrun: number): void {
    this.polls++
    if (asked < this.firstAsked) this.firstAsked = asked
    if (asked > this.lastAsked) this.lastAsked = asked
    if (answered > this.lastAnswered) this.lastAnswered = answered
    if (answered - previousAsked > this.longestGapMs) this.longestGapMs = answered - previousAsked
    if (answered - previousAsked > LONG_GAP_MS) this.#gaps.push({ from: previousAsked, to: asked })
    if (overrun === 0) return
    this.dropped += overrun
    const last = this.overruns.at(-1)
    if (last && previousAsked <= last.latest) last.latest = Math.max(last.latest, answered)
    else this.overruns.push({ earliest: previousAsked, latest: answered })
  }

  /** True if a tuple that was in the buffer at some time of the span may have been dropped unread. */
  mayHaveDropped(fromMs: number, toMs: number): boolean {
    return this.overruns.some((window) => window.earliest <= toMs && window.latest >= fromMs)
  }

  /** When the tap was last read before an instant, to a quarter of a second; -∞ if never. */
  lastLookBefore(instant: number): number {
    if (instant >= this.lastAsked) return this.lastAsked
    if (instant < this.firstAsked) return Number.NEGATIVE_INFINITY
    return this.#gaps.find(({ from, to }) => from <= instant && instant < to)?.from ?? instant
  }
}

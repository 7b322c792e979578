import type { Interval } from '../core/index.ts'
import type { CounterChange } from './counter-track.ts'
import type { Takeover, ToolkitCounters } from './view.ts'

/** Collections that must show the same numbers before a takeover counts as complete. */
const SETTLED = 2

/**
 * Follows the takeover after the watchdog declared the peer down. The toolkit says neither that it begins nor that it is done:
 * it is done when the takeover operator has handled the status tuple, every piece it read was handed on, and further collections
 * show nothing more.
 */
export class TakeoverTrack {
  readonly #survivor: string
  #declared: Interval | undefined
  #pieces = 0
  #lastChange: Interval | undefined
  #same = 0
  /** Messages on the data ports since the last takeover: something is held if there were any. */
  #held = false

  constructor(survivor: string) {
    this.#survivor = survivor
  }

  /** Pieces handed over since the peer was declared down. */
  get pieces(): number {
    return this.#pieces
  }

  /** The watchdog declared the peer down. */
  begin(at: Interval): void {
    this.#declared = at
    this.#pieces = 0
    this.#lastChange = undefined
    this.#same = 0
  }

  /** A snapshot, or a control message, has arrived. */
  received(): void {
    this.#held = true
  }

  /** The takeover operator was launched anew: it has forgotten what it holds. */
  relaunched(): void {
    this.#held = false
    this.#declared = undefined
  }

  /**
   * The peer is up again: what was handed over so far is all there will be.
   * @returns the takeover, if it was still going on
   */
  end(): Takeover | undefined {
    const declared = this.#declared
    if (!declared) return undefined
    const takeover = this.#lastChange
      ? this.#completed(declared, 'the peer came back before the numbers had settled')
      : undefined
    this.#declared = undefined
    return takeover
  }

  /**
   * Takes the numbers of one new collection.
   * @returns the takeover, once, when it is complete
   */
  collect(
    counters: ToolkitCounters,
    changes: { readonly pieces?: CounterChange | undefined; readonly handled?: CounterChange | undefined },
  ): Takeover | undefined {
    const declared = this.#declared
    if (!declared) return undefined
    const { pieces, handled } = changes
    if (pieces && !pieces.initial) {
      this.#pieces += pieces.to - (pieces.from ?? 0)
      this.#lastChange = notBefore(declared, pieces.at)
      this.#same = 0
    } else if (handled && !handled.initial) {
      this.#lastChange ??= notBefore(declared, handled.at)
      this.#same = 0
    } else {
      this.#same++
    }
    const { statusChanges, statusHandled, piecesRead, takeoverPieces } = counters
    if (takeoverPieces === undefined || this.#same < SETTLED) return undefined
    const heard = statusHandled === undefined ? this.#pieces > 0 : statusHandled >= (statusChanges ?? 0)
    const passedOn = piecesRead === undefined || piecesRead <= takeoverPieces
    if (!heard || !passedOn) return undefined
    this.#declared = undefined
    const forgotten = this.#pieces === 0 && this.#held
    this.#held = false
    return this.#completed(declared, forgotten ? 'snapshots had been received, and none was handed over' : undefined)
  }

  #completed(detection: Interval, degraded: string | undefined): Takeover {
    const pieces = this.#pieces
    const words = pieces === 1 ? '1 piece' : `${pieces} pieces`
    const detail = `RemoteDCDataMerger handed over ${words} of state after the peer was declared down`
    return {
      survivor: this.#survivor,
      detection,
      takeover: this.#lastChange ?? detection,
      pieces,
      evidence: { kind: 'toolkit-metrics', detail, ...(degraded === undefined ? {} : { degraded }) },
    }
  }
}

function notBefore(declared: Interval, at: Interval): Interval {
  return { earliest: Math.max(declared.earliest, at.earliest), latest: Math.max(declared.latest, at.latest) }
}

import { messageOf } from '../../../core/index.ts'
import { decodeHeartbeatMessage, MESSAGE_TYPE } from '../../../toolkit/wire.ts'
import { MARK, showBlob, type Trace } from './trace.ts'

const ASPECT = 'RemoteDC-Heartbeat-Watchdog'

/** Defects that can be planted here. */
export interface HeartbeatWatchdogDefects {
  /** Ignores heartbeats once DOWN was declared. */
  readonly deafAfterDown?: boolean
}

/** Operator `RemoteDataCenterHeartbeatWatchdog`: says when the other data centre comes and goes (toolkit reference §8). */
export class HeartbeatWatchdog {
  readonly #missesAllowed: number
  readonly #status: (active: boolean) => void
  readonly #trace: Trace
  readonly #defects: HeartbeatWatchdogDefects
  #missed = 0
  #active = false
  #declaredDown = false
  #shuttingDown = false

  constructor(
    options: { readonly missesAllowed: number; readonly defects?: HeartbeatWatchdogDefects },
    status: (active: boolean) => void,
    trace: Trace,
  ) {
    this.#missesAllowed = options.missesAllowed
    this.#defects = options.defects ?? {}
    this.#status = status
    this.#trace = trace
  }

  /** Anything that was posted to the heartbeat port counts, whoever sent it and whatever it says. */
  heartbeat(body: Uint8Array, headers: Readonly<Record<string, string>> = {}): void {
    if (this.#shuttingDown) return
    if (this.#defects.deafAfterDown && this.#declaredDown) return
    this.#trace('info', ASPECT, `${MARK} HTTP Request Headers=${JSON.stringify(headers)}`)
    this.#trace('info', ASPECT, `${MARK} Blob size=${body.length}`)
    this.#trace('info', ASPECT, `${MARK} Blob data=${showBlob(body)}`)
    this.#missed = 0
    if (!this.#active) {
      this.#active = true
      this.#status(true)
    }
    try {
      const { heartbeatMsgType, heartbeatCnt, dataCenterOrigin } = decodeHeartbeatMessage(body)
      if (heartbeatMsgType !== MESSAGE_TYPE.heartbeat) return
      const text = `Received the heartbeat message ${heartbeatCnt} with no data snapshot from the data center named ${dataCenterOrigin}.`
      this.#trace('info', ASPECT, `${MARK} ${text}`)
    } catch (error) {
      // What the real operator does with a malformed body is not known.
      this.#trace('error', ASPECT, `${MARK} ${messageOf(error)}`)
    }
  }

  /** The local tick. DOWN comes with the tick that makes one more miss than is allowed. */
  tick(): void {
    if (this.#shuttingDown || this.#missed > this.#missesAllowed) return
    // The real counter is a uint8.
    this.#missed = (this.#missed + 1) & 0xff
    if (this.#missed <= this.#missesAllowed || !this.#active) return
    this.#active = false
    this.#declaredDown = true
    this.#status(false)
  }

  specialMessage(text: string): void {
    if (text === 'OrderlyShutdown') this.#shuttingDown = true
  }
}

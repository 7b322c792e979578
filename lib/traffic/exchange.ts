import type { Dispatcher } from 'undici'
import type { Outcome } from './types.ts'

/** How a request ended. */
export interface Answer {
  readonly outcome: Outcome
  /** Short, from a small set. */
  readonly reason: string
}

/** Which status codes say what. */
export interface StatusRules {
  readonly acknowledged: ReadonlySet<number> | undefined
  readonly refused: ReadonlySet<number>
}

const DEFAULT_REFUSED = [400, 401, 403, 404, 405, 409, 411, 413, 415, 422, 429]

/** The rules of an endpoint; by default any 2xx acknowledges. */
export function statusRules(endpoint: {
  readonly acknowledged?: readonly number[]
  readonly refused?: readonly number[]
}): StatusRules {
  return {
    acknowledged: endpoint.acknowledged?.length ? new Set(endpoint.acknowledged) : undefined,
    refused: new Set(endpoint.refused ?? DEFAULT_REFUSED),
  }
}

/** What a complete answer with this status means. */
export function outcomeOf(status: number, rules: StatusRules): Outcome {
  if (rules.acknowledged ? rules.acknowledged.has(status) : status >= 200 && status < 300) return 'acknowledged'
  return rules.refused.has(status) ? 'refused' : 'indeterminate'
}

/** What failed on a connection, in a word or two. */
export function failureReason(error: unknown, started: boolean): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : ''
  if (code === 'UND_ERR_CONNECT_TIMEOUT') return 'connect timeout'
  if (code === 'ECONNREFUSED') return 'connection refused'
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'name not found'
  if (code === 'EHOSTUNREACH' || code === 'ENETUNREACH') return 'unreachable'
  if (code.startsWith('ERR_TLS') || code.startsWith('ERR_SSL') || code.includes('CERT') || code.includes('SIGNATURE')) {
    return `tls: ${code}`
  }
  if (code.startsWith('HPE_')) return 'malformed answer'
  return started ? 'reset' : 'reset before it was sent'
}

/**
 * One request on its way. It can end only once; what comes later is ignored. Whether the request was ever written decides what a
 * failure means: before that nothing can have entered (refused), after that nobody can tell (indeterminate).
 */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly deadline: number
  started = false
  settled = false
  /** Sends the same on another connection; only for what was not started. */
  readonly again: () => void
  readonly #rules: StatusRules
  readonly #onSettled: (exchange: Exchange, answer: Answer) => void
  readonly #onBroken: (answer: Answer) => void
  #status = 0

  constructor(
    deadline: number,
    rules: StatusRules,
    onSettled: (exchange: Exchange, answer: Answer) => void,
    onBroken: (answer: Answer) => void,
    again: () => void,
  ) {
    this.deadline = deadline
    this.#rules = rules
    this.#onSettled = onSettled
    this.#onBroken = onBroken
    this.again = again
  }

  settle(answer: Answer): void {
    if (this.settled) return
    this.settled = true
    this.#onSettled(this, answer)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // A second start means that the client would send again on its own what may have arrived: never here.
    if (this.settled || this.started) {
      controller.abort(new Error('sent once already'))
      this.settle({ outcome: 'indeterminate', reason: 'reset' })
      return
    }
    this.started = true
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number): void {
    this.#status = status
  }

  onResponseData(): void {
    // The status says it all; the body only has to be complete.
  }

  onResponseEnd(): void {
    this.settle({ outcome: outcomeOf(this.#status, this.#rules), reason: `http ${this.#status}` })
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (this.settled) return
    const reason = failureReason(error, this.started)
    if (this.started) this.#onBroken({ outcome: 'indeterminate', reason })
    else this.settle({ outcome: 'refused', reason })
  }
}

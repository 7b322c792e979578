import type { InputCounters, OutputCounters } from '../pe/counters.ts'
import type { Trace } from './trace.ts'

/** One POST to a documented host and port. */
export interface PostRequest {
  readonly host: string
  readonly port: number
  readonly path: string
  readonly body: Uint8Array
  readonly connectTimeoutMs: number
  readonly readTimeoutMs: number
}

/** An answer, or why there was none. */
export type PostResult = { readonly status: number; readonly text: string } | { readonly error: string }

/** Posts and calls back once. */
export type Post = (request: PostRequest, done: (result: PostResult) => void) => void

/** Where a sender sends to, and how long it waits. */
export interface BlobSenderOptions {
  readonly hosts: readonly string[]
  readonly port: number
  readonly path: string
  readonly sendToAll: boolean
  readonly alwaysLogErrors: boolean
  readonly connectTimeoutMs: number
  readonly readTimeoutMs: number
}

/** Counters of the operator: one input per port, and the output for answers that are neither 200 nor 204. */
export interface BlobSenderCounters {
  readonly inputs: readonly InputCounters[]
  readonly output: OutputCounters
}

/** What came out of output port 0. */
export interface HttpResponse {
  readonly responseCode: number
  readonly responseMessage: string
}

const ASPECT = 'HttpBlobSender'

/**
 * Operator `HttpBlobSender`: sends one message after the other (toolkit reference §6). The host that answered last is tried
 * first; a message that no host takes is gone.
 */
export class BlobSender {
  readonly #options: BlobSenderOptions
  readonly #counters: BlobSenderCounters
  readonly #post: Post
  readonly #trace: Trace
  readonly #failed: (response: HttpResponse) => void
  readonly #queue: { readonly body: Uint8Array; readonly port: InputCounters | undefined }[] = []
  #sticky: string | undefined
  #sending = false

  constructor(
    options: BlobSenderOptions,
    counters: BlobSenderCounters,
    effects: { readonly post: Post; readonly trace: Trace; readonly failed: (response: HttpResponse) => void },
  ) {
    this.#options = options
    this.#counters = counters
    this.#post = effects.post
    this.#trace = effects.trace
    this.#failed = effects.failed
  }

  /** Queues a message that arrived on the given input port. */
  send(body: Uint8Array, inputPort = 0): void {
    const port = this.#counters.inputs[inputPort]
    if (port) port.maxQueued = Math.max(port.maxQueued, ++port.queued)
    this.#queue.push({ body, port })
    this.#next()
  }

  #next(): void {
    if (this.#sending) return
    const message = this.#queue.shift()
    if (!message) return
    this.#sending = true
    if (message.port) message.port.queued--
    this.#attempt(message.body, 0, () => {
      if (message.port) message.port.processed++
      this.#sending = false
      this.#next()
    })
  }

  #attempt(body: Uint8Array, index: number, done: () => void): void {
    const { hosts, port, path, sendToAll, connectTimeoutMs, readTimeoutMs } = this.#options
    const listed = hosts[index]
    if (listed === undefined) return done()
    const host = !sendToAll && this.#sticky !== undefined ? this.#sticky : listed
    this.#post({ host, port, path, body, connectTimeoutMs, readTimeoutMs }, (result) => {
      const url = `http://${host}:${port}${path}`
      if ('status' in result && (result.status === 204 || result.status === 200)) {
        this.#trace('info', ASPECT, `${body.length} bytes have been sent to this URL: ${url}`)
        if (sendToAll) return this.#attempt(body, index + 1, done)
        this.#sticky = host
        return done()
      }
      this.#report(result, url, body.length)
      if (!sendToAll && host === this.#sticky) {
        this.#sticky = undefined
        if (hosts.length > 1) return this.#attempt(body, 0, done)
      }
      this.#attempt(body, index + 1, done)
    })
  }

  #report(result: PostResult, url: string, bytes: number): void {
    if ('error' in result) {
      this.#trace('error', ASPECT, `Exception while communicating with ${url}. Error message: ${result.error}`)
      return
    }
    const level = this.#options.alwaysLogErrors ? 'error' : 'info'
    this.#trace(level, ASPECT, `Error in posting the binary contents to this URL: ${url}`)
    this.#trace(level, ASPECT, `${bytes} bytes of binary data was attempted to be sent to that URL.`)
    this.#trace(level, ASPECT, `HTTP response code=${result.status}`)
    this.#counters.output.submitted++
    this.#failed({ responseCode: result.status, responseMessage: result.text })
  }
}

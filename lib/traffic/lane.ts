import { Client } from 'undici'
import { Exchange, type Answer } from './exchange.ts'
import type { HttpTarget } from './target.ts'

/** One connection and what is on it. */
interface Connection {
  readonly target: HttpTarget
  readonly client: Client
  /** In the order of sending. */
  readonly exchanges: Set<Exchange>
}

/** Options of a {@link Lane}. */
export interface LaneOptions {
  /** Where requests go now; nowhere while an endpoint is not found. */
  readonly target: () => HttpTarget | undefined
  readonly timeoutMs: number
  /** Requests on the connection at once. */
  readonly depth: number
}

/**
 * Requests to one endpoint that arrive there in the order in which they were sent: one connection, on which the next request
 * does not wait for the answer to the last (HTTP pipelining), up to `depth`. A request that gets no answer in time is
 * indeterminate, and its connection takes no more: later requests use a new one.
 */
export class Lane {
  readonly #options: LaneOptions
  readonly #old = new Set<Connection>()
  #current: Connection | undefined
  #inFlight = 0

  constructor(options: LaneOptions) {
    this.#options = options
  }

  /** Requests without an outcome. */
  get inFlight(): number {
    return this.#inFlight
  }

  get hasRoom(): boolean {
    return this.#inFlight < this.#options.depth
  }

  /** Sends a body. `done` is called exactly once and never before this returns, unless the lane is destroyed first. */
  send(body: Buffer, at: number, done: (answer: Answer) => void): void {
    this.#inFlight++
    this.#dispatch(body, at + this.#options.timeoutMs, (answer) => {
      this.#inFlight--
      done(answer)
    })
  }

  /** Gives up what has had no answer in time. To be called every few milliseconds. */
  expire(at: number): void {
    for (const connection of this.#connections()) {
      let late = false
      for (const exchange of connection.exchanges) {
        if (exchange.deadline > at) break
        late = true
        exchange.settle(
          exchange.started
            ? { outcome: 'indeterminate', reason: 'no answer in time' }
            : { outcome: 'refused', reason: 'no connection in time' },
        )
      }
      if (late) this.#retire(connection)
    }
  }

  /** Closes all connections at once; outcomes that are outstanding stay so. */
  async destroy(): Promise<void> {
    const connections = this.#connections()
    for (const { exchanges } of connections) for (const exchange of exchanges) exchange.settled = true
    await Promise.allSettled(connections.map(({ client }) => client.destroy()))
  }

  #connections(): Connection[] {
    return this.#current ? [...this.#old, this.#current] : [...this.#old]
  }

  #dispatch(body: Buffer, deadline: number, done: (answer: Answer) => void): void {
    const target = this.#options.target()
    if (this.#current && this.#current.target !== target) this.#retire(this.#current)
    if (target === undefined) {
      queueMicrotask(() => done({ outcome: 'refused', reason: 'no endpoint' }))
      return
    }
    const connection = (this.#current ??= this.#connect(target))
    const exchange = new Exchange(
      deadline,
      target.rules,
      (ended, answer) => {
        connection.exchanges.delete(ended)
        done(answer)
        if (connection.exchanges.size === 0 && connection !== this.#current) this.#close(connection)
      },
      (answer) => this.#broken(connection, answer),
      () => this.#dispatch(body, deadline, done),
    )
    connection.exchanges.add(exchange)
    const { path, headers } = target
    connection.client.dispatch({ path, method: 'POST', headers, body, idempotent: true, blocking: false }, exchange)
  }

  #connect(target: HttpTarget): Connection {
    const options = { connect: target.connector, pipelining: this.#options.depth, headersTimeout: 0, bodyTimeout: 0 }
    return { target, client: new Client(target.origin, options), exchanges: new Set() }
  }

  /** The socket under started requests is gone: they share its fate, and the others move to a new one first, in order. */
  #broken(connection: Connection, answer: Answer): void {
    this.#retire(connection)
    const exchanges = [...connection.exchanges]
    for (const exchange of exchanges) {
      if (exchange.started) continue
      exchange.settled = true
      connection.exchanges.delete(exchange)
      exchange.again()
    }
    for (const exchange of exchanges) exchange.settle(answer)
    this.#close(connection)
  }

  #retire(connection: Connection): void {
    if (this.#current === connection) this.#current = undefined
    if (connection.exchanges.size === 0) this.#close(connection)
    else this.#old.add(connection)
  }

  #close(connection: Connection): void {
    this.#old.delete(connection)
    // Not within the client's own callback: it may be in the middle of failing its queue.
    queueMicrotask(() => void connection.client.destroy().catch(() => undefined))
  }
}

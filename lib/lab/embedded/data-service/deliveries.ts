import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** When the answers of reads count as delivered; see `SiteBoot.readsAreConfirmed`. */
export class Deliveries {
  readonly #areConfirmed: boolean
  readonly #open = new WeakMap<Socket, () => void>()
  readonly #watched = new WeakSet<Socket>()

  constructor(areConfirmed: boolean) {
    this.#areConfirmed = areConfirmed
  }

  /** A request has come: its sender has the answer to the one before it. */
  asked({ socket }: IncomingMessage): void {
    this.#settle(socket)
  }

  /** Calls back once the answer that is being given counts as delivered. */
  delivered(response: ServerResponse, then: () => void): void {
    const { socket } = response
    if (!this.#areConfirmed || !socket) return void response.once('finish', then)
    if (!this.#watched.has(socket)) {
      this.#watched.add(socket)
      socket.once('end', () => this.#settle(socket))
    }
    this.#open.set(socket, then)
  }

  #settle(socket: Socket): void {
    const then = this.#open.get(socket)
    this.#open.delete(socket)
    then?.()
  }
}

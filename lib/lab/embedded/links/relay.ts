import { connect, createServer, type Server, type Socket } from 'node:net'
import type { Address } from '../protocol.ts'
import { Flow, type Gate } from './flow.ts'
import { clear, combine, type Shape, type ShapePart } from './shape.ts'

/** The two directions of a link: `forward` carries the bytes of the party that opens connections. */
export type Direction = 'forward' | 'backward'

/** What one fault does to a link. */
export interface LinkFault {
  readonly fault: string
  readonly direction: Direction | 'both'
  readonly part: ShapePart
}

/** One connection through a link. */
interface Passage {
  readonly client: Socket
  readonly target: Socket | undefined
  refresh(): void
}

/**
 * A TCP relay from a listener to a target, which can be cut, delayed and throttled in each direction. What it does to new
 * connections it does to existing ones.
 */
export class Relay {
  readonly #server: Server
  readonly #target: () => Address | undefined
  readonly #passages = new Set<Passage>()
  #faults: readonly LinkFault[] = []
  #shapes: Record<Direction, Shape> = { forward: clear, backward: clear }
  /** A rate is that of the link, however many connections share it. */
  readonly #gates: Readonly<Record<Direction, Gate>> = { forward: { freeAt: 0 }, backward: { freeAt: 0 } }

  /** @param target where connections go; undefined: nothing listens there now */
  constructor(target: () => Address | undefined) {
    this.#target = target
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.#accept(client))
  }

  /** Binds the listener; rejects if the port is taken. */
  listen(address: Address): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(address.port, address.host, () => {
        const bound = this.#server.address()
        resolve(typeof bound === 'object' && bound ? bound.port : address.port)
      })
    })
  }

  get faults(): readonly LinkFault[] {
    return this.#faults
  }

  /** The shape of each direction as all faults make it. */
  get shapes(): Readonly<Record<Direction, Shape>> {
    return this.#shapes
  }

  /** How many connections pass, or are held, now. */
  get connections(): number {
    return this.#passages.size
  }

  /** Replaces the faults of this link; takes effect at once. */
  setFaults(faults: readonly LinkFault[]): void {
    this.#faults = faults
    const of = (direction: Direction): Shape =>
      combine(faults.filter((f) => f.direction === direction || f.direction === 'both').map((f) => f.part))
    this.#shapes = { forward: of('forward'), backward: of('backward') }
    for (const passage of [...this.#passages]) passage.refresh()
  }

  /** Ends the listener and every connection. */
  close(): void {
    this.#server.close()
    for (const { client, target } of this.#passages) {
      client.destroy()
      target?.destroy()
    }
  }

  #cut(mode: 'blackhole' | 'reset'): boolean {
    return this.#shapes.forward.cut === mode || this.#shapes.backward.cut === mode
  }

  #accept(client: Socket): void {
    client.on('error', ignore)
    if (this.#cut('reset')) {
      client.resetAndDestroy()
      return
    }
    let target: Socket | undefined
    const forward = new Flow(client, () => this.#shapes.forward, this.#gates.forward)
    let backward: Flow | undefined
    const establish = (): void => {
      const address = this.#target()
      if (!address) {
        client.resetAndDestroy()
        return
      }
      const opened = connect({ ...address, allowHalfOpen: true, noDelay: true })
      target = opened
      opened.on('error', ignore)
      opened.on('close', () => this.#settle(passage))
      backward = new Flow(opened, () => this.#shapes.backward, this.#gates.backward)
      let connected = false
      opened.once('connect', () => {
        connected = true
        forward.connect(opened)
        backward?.connect(client)
      })
      opened.once('close', () => {
        if (!connected) client.resetAndDestroy()
      })
    }
    const passage: Passage = {
      client,
      get target() {
        return target
      },
      refresh: () => {
        if (this.#cut('reset')) {
          client.resetAndDestroy()
          target?.resetAndDestroy()
          return
        }
        // A connection that was opened into a cut link is made when the link heals, as the system's own retries would.
        if (!target && !this.#cut('blackhole')) establish()
        forward.pump()
        backward?.pump()
      },
    }
    this.#passages.add(passage)
    client.on('close', () => this.#settle(passage))
    // Nothing of a connection that was never made may arrive later, once its client has given up.
    client.on('end', () => {
      if (!target) client.destroy()
    })
    if (!this.#cut('blackhole')) establish()
  }

  #settle(passage: Passage): void {
    const { client, target } = passage
    if (client.destroyed && (target?.destroyed ?? true)) this.#passages.delete(passage)
  }
}

function ignore(): void {
  // A connection that breaks is what a link is for: its flows pass the news on.
}

import { connect, type Socket } from 'node:net'
import type { Address, TupleFrame } from '../protocol.ts'
import { encodeFrame, FrameReader } from './frames.ts'

/** What became of a batch. */
export type BatchOutcome =
  | { readonly type: 'ack' }
  | {
      readonly type: 'nack'
      readonly reason: Extract<TupleFrame, { type: 'nack' }>['reason']
      readonly message: string
    }

interface Batch {
  readonly operator: string
  readonly port: number
  readonly items: readonly unknown[]
  readonly done: (outcome: BatchOutcome) => void
}

const RETRY_MS = 15
/** Tuples that may wait for a downstream PE before its upstream is held back too. */
const WAITING_TUPLES = 20_000

/**
 * The connection to a downstream PE. Batches are handed over in order, as fast as the other side reads. What was handed over when
 * the connection breaks is in doubt; what still waits is delivered when the other side is back.
 */
export class Downstream {
  readonly #address: Address
  readonly #name: string
  readonly #changed: (connected: boolean) => void
  readonly #waiting: Batch[] = []
  readonly #handedOver = new Map<number, Batch>()
  readonly #whenRoom: (() => void)[] = []
  #waitingTuples = 0
  #socket: Socket | undefined
  #nextId = 1
  #closed = false

  constructor(name: string, address: Address, changed: (connected: boolean) => void) {
    this.#name = name
    this.#address = address
    this.#changed = changed
  }

  get connected(): boolean {
    return this.#socket !== undefined
  }

  /** True while so much waits that the sender should stop reading from its own upstream. */
  get full(): boolean {
    return this.#waitingTuples >= WAITING_TUPLES
  }

  open(): void {
    if (this.#closed) return
    const socket = connect({ ...this.#address, noDelay: true })
    const reader = new FrameReader()
    socket.on('connect', () => {
      this.#socket = socket
      this.#changed(true)
      this.#handOver()
    })
    socket.on('data', (chunk) => reader.push(chunk, (frame) => this.#answered(frame)))
    socket.on('drain', () => this.#handOver())
    socket.on('error', () => {})
    socket.on('close', () => {
      const wasConnected = this.#socket === socket
      this.#socket = undefined
      if (wasConnected) this.#broken()
      setTimeout(() => this.open(), RETRY_MS)
    })
  }

  close(): void {
    this.#closed = true
    this.#socket?.destroy()
  }

  /** Sends a batch when the way is free. `done` is called once, at the latest when the other side dies. */
  send(operator: string, port: number, items: readonly unknown[], done: (outcome: BatchOutcome) => void): void {
    this.#waiting.push({ operator, port, items, done })
    this.#waitingTuples += items.length
    this.#handOver()
  }

  /** Calls back once there is room again. */
  whenRoom(resume: () => void): void {
    this.#whenRoom.push(resume)
  }

  #handOver(): void {
    const socket = this.#socket
    if (!socket) return
    while (!socket.writableNeedDrain) {
      const batch = this.#waiting.shift()
      if (!batch) break
      const id = this.#nextId++
      const { operator, port, items } = batch
      this.#handedOver.set(id, batch)
      this.#waitingTuples -= items.length
      socket.write(encodeFrame({ type: 'batch', id, operator, port, items }))
    }
    if (this.#whenRoom.length > 0 && this.#waitingTuples < WAITING_TUPLES / 2) {
      for (const resume of this.#whenRoom.splice(0)) resume()
    }
  }

  #answered(frame: TupleFrame): void {
    if (frame.type !== 'ack' && frame.type !== 'nack') return
    const batch = this.#handedOver.get(frame.id)
    this.#handedOver.delete(frame.id)
    batch?.done(frame)
  }

  #broken(): void {
    this.#changed(false)
    const lost = [...this.#handedOver.values()]
    this.#handedOver.clear()
    const message = `The connection to the processing element of ${this.#name} broke while it had these tuples.`
    for (const batch of lost) batch.done({ type: 'nack', reason: 'in-doubt', message })
  }
}

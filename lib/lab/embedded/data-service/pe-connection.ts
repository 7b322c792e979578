import { connect, type Socket } from 'node:net'
import { encodeFrame, FrameReader } from '../pe/frames.ts'
import type { Address, TupleFrame } from '../protocol.ts'

/** What became of a batch that was handed to a PE. */
export type Injection =
  | { readonly outcome: 'acknowledged' }
  | { readonly outcome: 'refused'; readonly reason: 'not-owned' | 'invalid' | 'full'; readonly message: string }
  /** The PE is not running: nothing was handed over. */
  | { readonly outcome: 'gone' }
  | { readonly outcome: 'in-doubt'; readonly message: string }

/** What a sink has for a reader. `taken` tells it that the reader has them. */
export interface Reading {
  readonly items: readonly unknown[]
  readonly next: number
  readonly dropped: number
  taken(): void
}

type Answer = Extract<TupleFrame, { type: 'ack' | 'nack' | 'items' }>

/** The connection between the data service and one PE: opened when it is needed, and again after it broke. */
export class PeConnection {
  readonly #address: Address
  readonly #pending = new Map<number, (answer: Answer | undefined) => void>()
  #socket: Promise<Socket | undefined> | undefined
  #open: Socket | undefined
  #nextId = 1
  #outgoing: Buffer[] = []

  constructor(address: Address) {
    this.#address = address
  }

  /** @param items the JSON text of the list of tuples, which is passed on as it is */
  async inject(operator: string, port: number, items: string): Promise<Injection> {
    const answer = await this.#ask((id) => batchFrame(id, operator, port, items))
    if (answer === 'gone') return { outcome: 'gone' }
    if (answer?.type === 'ack') return { outcome: 'acknowledged' }
    if (answer?.type === 'nack') {
      const { reason, message } = answer
      return reason === 'in-doubt' ? { outcome: 'in-doubt', message } : { outcome: 'refused', reason, message }
    }
    return { outcome: 'in-doubt', message: 'The processing element ended before it answered.' }
  }

  /** @returns undefined if the PE is not running, or ended before it answered */
  async read(operator: string, port: number, since: number, max: number): Promise<Reading | undefined> {
    const answer = await this.#ask((id) => encodeFrame({ type: 'read', id, operator, port, since, max }))
    if (answer === 'gone' || answer?.type !== 'items') return undefined
    const { items, next, dropped, id } = answer
    return { items, next, dropped, taken: () => this.#send(encodeFrame({ type: 'taken', id })) }
  }

  close(): void {
    this.#open?.destroy()
  }

  async #ask(frame: (id: number) => Buffer): Promise<Answer | 'gone' | undefined> {
    const socket = this.#open ?? (await (this.#socket ??= this.#connect()))
    if (!socket || socket.destroyed) return 'gone'
    const id = this.#nextId++
    return new Promise((resolve) => {
      this.#pending.set(id, resolve)
      this.#send(frame(id))
    })
  }

  /** Frames of one turn of the event loop go out together. */
  #send(frame: Buffer): void {
    if (this.#outgoing.length === 0) setImmediate(() => this.#flush())
    this.#outgoing.push(frame)
  }

  #flush(): void {
    const frames = this.#outgoing
    this.#outgoing = []
    if (this.#open?.writable) this.#open.write(frames.length === 1 && frames[0] ? frames[0] : Buffer.concat(frames))
  }

  #connect(): Promise<Socket | undefined> {
    return new Promise((resolve) => {
      const reader = new FrameReader()
      const socket = connect({ ...this.#address, noDelay: true })
      socket.on('connect', () => {
        this.#open = socket
        resolve(socket)
      })
      socket.on('data', (chunk) => {
        try {
          reader.push(chunk, (frame) => this.#take(frame))
        } catch {
          socket.destroy()
        }
      })
      socket.on('error', () => socket.destroy())
      socket.on('end', () => socket.destroy())
      socket.on('close', () => {
        this.#open = undefined
        this.#socket = undefined
        const unanswered = [...this.#pending.values()]
        this.#pending.clear()
        for (const settle of unanswered) settle(undefined)
        resolve(undefined)
      })
    })
  }

  #take(frame: TupleFrame): void {
    if (frame.type !== 'ack' && frame.type !== 'nack' && frame.type !== 'items') return
    const settle = this.#pending.get(frame.id)
    this.#pending.delete(frame.id)
    settle?.(frame)
  }
}

const LENGTH_BYTES = 4

function batchFrame(id: number, operator: string, port: number, items: string): Buffer {
  const head = `{"type":"batch","id":${id},"operator":${JSON.stringify(operator)},"port":${port},"items":`
  const length = head.length + Buffer.byteLength(items) + 1
  const frame = Buffer.allocUnsafe(LENGTH_BYTES + length)
  frame.writeUInt32BE(length)
  let at = LENGTH_BYTES + frame.write(head, LENGTH_BYTES, 'utf8')
  at += frame.write(items, at, 'utf8')
  frame.write('}', at)
  return frame
}

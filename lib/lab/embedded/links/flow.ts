import type { Socket } from 'node:net'
import { now } from '../../../core/index.ts'
import { isClear, type Shape } from './shape.ts'

/** How much a flow holds before it stops reading: enough for a long fat link, and a bound for a cut one. */
const HELD_BYTES = 1024 * 1024
/** A throttled flow lets through a hundredth of a second's bytes at a time. */
const SLICES_PER_SECOND = 100
/** How far timers that fire late are made up for: without it a busy machine makes a throttled link slower than its rate. */
const CREDIT_MS = 500

type Item = {
  readonly what: Buffer | 'end' | 'reset'
  readonly arrivedAt: number
  /** This chunk's share of the jitter, in [0, 1). */
  readonly luck: number
}

/** When a throttled link is free again in one direction, in ms of the monotonic clock: all its connections share that. */
export interface Gate {
  freeAt: number
}

/**
 * The bytes of one connection in one direction. A blackholed flow keeps what it is given, as TCP does with packets that are not
 * acknowledged, and delivers it once healed. What was sent before a close is delivered before the close is.
 */
export class Flow {
  readonly #from: Socket
  readonly #shape: () => Shape
  #to: Socket | undefined
  #queue: Item[] = []
  #heldBytes = 0
  #lastDue = 0
  readonly #gate: Gate
  #timer: NodeJS.Timeout | undefined
  #blocked = false
  #abandoned = false

  constructor(from: Socket, shape: () => Shape, gate: Gate) {
    this.#from = from
    this.#shape = shape
    this.#gate = gate
    from.on('data', (chunk: Buffer) => this.#take(chunk))
    from.on('end', () => this.#push('end'))
    from.on('close', (failed) => {
      if (failed || !from.readableEnded) this.#push('reset')
    })
  }

  /** Where the bytes go; until this is called they are held. */
  connect(to: Socket): void {
    this.#to = to
    to.on('drain', () => {
      this.#blocked = false
      this.pump()
    })
    to.on('close', () => this.#abandon())
    this.pump()
  }

  /** Lets through what is due; to be called when the shape has changed. */
  pump(): void {
    clearTimeout(this.#timer)
    const to = this.#to
    while (to && !this.#blocked) {
      const head = this.#queue[0]
      const shape = this.#shape()
      if (!head || shape.cut !== undefined) break
      const due = Math.max(
        this.#lastDue,
        head.arrivedAt + shape.delayMs + shape.jitterMs * head.luck,
        this.#gate.freeAt,
      )
      const wait = isClear(shape) ? 0 : due - now()
      if (wait > 0) {
        this.#timer = setTimeout(() => this.pump(), wait)
        break
      }
      this.#deliver(to, head, { ...shape, due })
    }
    if (this.#heldBytes < HELD_BYTES && !this.#blocked && this.#from.isPaused()) this.#from.resume()
  }

  #deliver(to: Socket, { what, arrivedAt, luck }: Item, shape: Shape & { readonly due: number }): void {
    const { due } = shape
    this.#queue.shift()
    if (what === 'end') to.end()
    else if (what === 'reset') to.resetAndDestroy()
    else {
      const slice = shape.rate === undefined ? what.length : Math.max(1, Math.ceil(shape.rate / SLICES_PER_SECOND))
      const at = now()
      if (what.length > slice) this.#queue.unshift({ what: what.subarray(slice), arrivedAt, luck })
      const chunk = what.subarray(0, slice)
      this.#heldBytes -= chunk.length
      if (shape.rate !== undefined)
        this.#gate.freeAt = Math.max(at - CREDIT_MS, due) + (chunk.length / shape.rate) * 1000
      this.#lastDue = Math.max(this.#lastDue, Math.min(at, arrivedAt + shape.delayMs + shape.jitterMs * luck))
      this.#blocked = !to.write(chunk)
    }
  }

  #take(chunk: Buffer): void {
    if (this.#abandoned) return
    const direct = this.#to && this.#queue.length === 0 && !this.#blocked && isClear(this.#shape())
    if (direct && this.#to) {
      this.#blocked = !this.#to.write(chunk)
      if (this.#blocked) this.#from.pause()
      return
    }
    this.#heldBytes += chunk.length
    this.#push(chunk)
    if (this.#heldBytes >= HELD_BYTES) this.#from.pause()
  }

  #push(what: Item['what']): void {
    if (this.#abandoned) return
    this.#queue.push({ what, arrivedAt: now(), luck: Math.random() })
    this.pump()
  }

  /** The receiver is gone: what is held for it, and what may still come, is for nobody. */
  #abandon(): void {
    clearTimeout(this.#timer)
    this.#abandoned = true
    this.#queue = []
    this.#heldBytes = 0
    this.#blocked = false
    this.#from.resume()
  }
}

import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { eventually, now } from '../../../core/index.ts'
import { Relay, type LinkFault } from './relay.ts'
import type { ShapePart } from './shape.ts'

const closers: (() => void)[] = []

afterEach(() => {
  for (const close of closers.splice(0)) close()
})

/** A target that records what each connection says, and can talk back. */
class Target {
  readonly connections: { socket: Socket; received: Buffer[]; at: number[]; ended: boolean; closed: boolean }[] = []
  readonly server: Server

  constructor(greet?: (socket: Socket) => void) {
    this.server = createServer({ allowHalfOpen: true }, (socket) => {
      const one = { socket, received: [] as Buffer[], at: [] as number[], ended: false, closed: false }
      this.connections.push(one)
      socket.on('data', (chunk) => {
        one.received.push(chunk)
        one.at.push(now())
      })
      socket.on('end', () => (one.ended = true))
      socket.on('close', () => (one.closed = true))
      socket.on('error', () => undefined)
      greet?.(socket)
    })
  }

  text(i = 0): string {
    return Buffer.concat(this.connections[i]?.received ?? []).toString()
  }
}

async function linked(greet?: (socket: Socket) => void): Promise<{ relay: Relay; target: Target; port: number }> {
  const target = new Target(greet)
  target.server.listen(0, '127.0.0.1')
  await once(target.server, 'listening')
  const at = { host: '127.0.0.1', port: (target.server.address() as AddressInfo).port }
  const relay = new Relay(() => at)
  const port = await relay.listen({ host: '127.0.0.1', port: 0 })
  closers.push(() => {
    relay.close()
    target.server.close()
    for (const { socket } of target.connections) socket.destroy()
  })
  return { relay, target, port }
}

interface Client {
  readonly socket: Socket
  readonly text: () => string
  readonly state: { ended: boolean; closed: boolean; error: string }
}

async function client(port: number): Promise<Client> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  const received: Buffer[] = []
  const state = { ended: false, closed: false, error: '' }
  socket.on('data', (chunk) => received.push(chunk))
  socket.on('end', () => (state.ended = true))
  socket.on('close', () => (state.closed = true))
  socket.on('error', (error: NodeJS.ErrnoException) => (state.error = error.code ?? 'error'))
  closers.push(() => socket.destroy())
  // A reset may come before the system has told of the connection.
  await new Promise<void>((resolve) => socket.once('connect', resolve).once('close', () => resolve()))
  return { socket, state, text: () => Buffer.concat(received).toString() }
}

async function until(describe: string, condition: () => boolean): Promise<number> {
  const probe = async () =>
    Promise.resolve(condition() ? { done: true as const, value: now() } : { done: false as const, seen: 'not yet' })
  return (await eventually(probe, { within: '5s', every: '1ms', describe })).value
}

/** Shows that something does not happen for as long as a byte takes many times over. */
async function never(describe: string, condition: () => boolean): Promise<void> {
  const probe = async () =>
    Promise.resolve(condition() ? { done: true as const, value: 1 } : { done: false as const, seen: 'no' })
  await expect(eventually(probe, { within: '150ms', every: '5ms', describe })).rejects.toThrow(/in vain/)
}

function fault(part: ShapePart, direction: LinkFault['direction'] = 'both', name = 'f'): LinkFault {
  return { fault: name, direction, part }
}

const blackhole = { cut: 'blackhole' } as const
const reset = { cut: 'reset' } as const

describe('a link', () => {
  it('carries bytes both ways and keeps half-closed connections half closed', async () => {
    const { target, port } = await linked()
    const { socket, text, state } = await client(port)
    socket.end('question')
    await until('the end at the target', () => target.connections[0]?.ended === true)
    expect(target.text()).toBe('question')
    expect(state.closed).toBe(false)
    target.connections[0]?.socket.end('answer')
    await until('the end at the client', () => state.closed)
    expect(text()).toBe('answer')
  })

  it('delivers what was sent before a close, however much', async () => {
    const big = Buffer.alloc(8 * 1024 * 1024, 7)
    const { port } = await linked((socket) => socket.end(big))
    const { socket, state } = await client(port)
    let length = 0
    socket.on('data', (chunk) => (length += chunk.length))
    await until('the end', () => state.ended)
    expect(length).toBe(big.length)
  })

  it('holds a sender back whose receiver does not read', async () => {
    const { port, target } = await linked((socket) => socket.pause())
    const { socket } = await client(port)
    await until('the connection', () => target.connections.length === 1)
    target.connections[0]?.socket.pause()
    const chunk = Buffer.alloc(1024 * 1024)
    for (let i = 0; i < 64; i++) socket.write(chunk)
    await never('all of it to go', () => socket.writableLength === 0)
  })

  it('passes a reset on', async () => {
    const { target, port } = await linked()
    const { state } = await client(port)
    await until('the connection', () => target.connections.length === 1)
    target.connections[0]?.socket.resetAndDestroy()
    await until('the reset', () => state.closed)
    expect(state.error).toBe('ECONNRESET')
  })

  it('resets a connection to a target that does not listen', async () => {
    const relay = new Relay(() => undefined)
    const port = await relay.listen({ host: '127.0.0.1', port: 0 })
    closers.push(() => relay.close())
    const { state } = await client(port)
    await until('the reset', () => state.closed)
    expect(state.error).toBe('ECONNRESET')
  })

  describe('that is a black hole', () => {
    it('is silent on existing connections, and delivers late when it heals', async () => {
      const { relay, target, port } = await linked()
      const { socket, state, text } = await client(port)
      socket.write('a')
      await until('a', () => target.text() === 'a')
      relay.setFaults([fault(blackhole)])
      socket.write('b')
      target.connections[0]?.socket.write('c')
      await never('a byte to pass', () => target.text() !== 'a' || text() !== '' || state.closed)
      relay.setFaults([])
      await until('both bytes', () => target.text() === 'ab' && text() === 'c')
    })

    it('takes new connections and says nothing, and makes them when it heals', async () => {
      const { relay, target, port } = await linked((socket) => socket.write('hello'))
      relay.setFaults([fault(blackhole)])
      const { socket, text, state } = await client(port)
      socket.write('q')
      await never('an answer', () => target.connections.length > 0 || text() !== '' || state.closed)
      relay.setFaults([])
      await until('the answer', () => text() === 'hello' && target.text() === 'q')
    })

    it('forgets connections whose client gave up before it healed', async () => {
      const { relay, target, port } = await linked()
      relay.setFaults([fault(blackhole)])
      const { socket } = await client(port)
      socket.end('too late')
      await until('the link to forget', () => relay.connections === 0)
      relay.setFaults([])
      await never('a connection', () => target.connections.length > 0)
    })

    it('can be so in one direction alone', async () => {
      const { relay, target, port } = await linked()
      const { socket, text } = await client(port)
      await until('the connection', () => target.connections.length === 1)
      relay.setFaults([fault(blackhole, 'backward')])
      socket.write('there')
      target.connections[0]?.socket.write('back')
      await until('the way there', () => target.text() === 'there')
      await never('the way back', () => text() !== '')
    })
  })

  describe('that resets', () => {
    it('breaks existing connections and refuses new ones', async () => {
      const { relay, target, port } = await linked()
      const { state } = await client(port)
      await until('the connection', () => target.connections.length === 1)
      relay.setFaults([fault(reset)])
      await until('the reset', () => state.closed && target.connections[0]?.closed === true)
      expect(state.error).toBe('ECONNRESET')
      const second = await client(port)
      await until('the second reset', () => second.state.closed)
      expect(target.connections).toHaveLength(1)
      relay.setFaults([])
      const third = await client(port)
      third.socket.write('x')
      await until('a byte', () => target.text(1) === 'x')
    })
  })

  describe('that is slow', () => {
    it('delays existing connections, by direction', async () => {
      const { relay, target, port } = await linked((socket) => socket.on('data', (chunk) => socket.write(chunk)))
      const { socket, text } = await client(port)
      await until('the connection', () => target.connections.length === 1)
      relay.setFaults([fault({ delayMs: 80 }, 'forward')])
      const sent = now()
      socket.write('x')
      const arrived = (await until('there', () => target.text() === 'x')) - sent
      await until('back', () => text() === 'x')
      expect(arrived).toBeGreaterThanOrEqual(79)
      expect(now() - sent).toBeLessThan(500)
    })

    it('jitters without changing the order', async () => {
      const { relay, target, port } = await linked()
      relay.setFaults([fault({ delayMs: 5, jitterMs: 30 })])
      const { socket } = await client(port)
      const words = Array.from({ length: 50 }, (_, i) => `${i},`)
      for (const word of words) {
        socket.write(word)
        await new Promise(setImmediate)
      }
      await until('all', () => target.text() === words.join(''))
    })

    it('lets through no more than its rate', async () => {
      const { relay, target, port } = await linked()
      relay.setFaults([fault({ rate: 100_000 }, 'forward')])
      const { socket } = await client(port)
      const began = now()
      socket.write(Buffer.alloc(30_000, 'x'))
      await until('all', () => target.text().length === 30_000)
      expect(now() - began).toBeGreaterThan(250)
      expect(now() - began).toBeLessThan(1500)
    })

    it('shares its rate between its connections', async () => {
      const { relay, target, port } = await linked()
      relay.setFaults([fault({ rate: 100_000 }, 'forward')])
      const clients = await Promise.all([client(port), client(port), client(port)])
      const began = now()
      for (const { socket } of clients) socket.write(Buffer.alloc(10_000, 'x'))
      await until('all', () => [0, 1, 2].every((nth) => target.text(nth).length === 10_000))
      expect(now() - began).toBeGreaterThan(250)
      expect(now() - began).toBeLessThan(1500)
    })

    it('delivers what it holds before it lets a close through', async () => {
      const { relay, target, port } = await linked()
      relay.setFaults([fault({ delayMs: 60 })])
      const { socket } = await client(port)
      socket.end('last words')
      await until('the end', () => target.connections[0]?.ended === true)
      expect(target.text()).toBe('last words')
    })
  })

  it('has what several faults make together, and keeps the others when one heals', async () => {
    const { relay } = await linked()
    const slow = fault({ delayMs: 10, rate: 1000 }, 'both', 'slow')
    const slower = fault({ delayMs: 20, jitterMs: 5, rate: 500 }, 'forward', 'slower')
    relay.setFaults([slow, slower, fault(blackhole, 'backward', 'cut')])
    expect(relay.shapes).toEqual({
      forward: { cut: undefined, delayMs: 30, jitterMs: 5, rate: 500 },
      backward: { cut: 'blackhole', delayMs: 10, jitterMs: 0, rate: 1000 },
    })
    relay.setFaults([slower])
    expect(relay.shapes.forward).toEqual({ cut: undefined, delayMs: 20, jitterMs: 5, rate: 500 })
    expect(relay.shapes.backward.cut).toBeUndefined()
  })
})

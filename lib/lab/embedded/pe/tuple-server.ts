import { createServer, type Server, type Socket } from 'node:net'
import type { Address, TupleFrame } from '../protocol.ts'
import { encodeFrame, FrameReader } from './frames.ts'

/** One tuple connection that another process has opened. */
export interface TupleConnection {
  send(frame: TupleFrame): void
  /** Back-pressure: nothing more is read until `resume`. */
  pause(): void
  resume(): void
}

/** What a PE does with the frames that arrive. */
export interface TupleHandlers {
  batch(connection: TupleConnection, batch: Extract<TupleFrame, { type: 'batch' }>): void
  read?(connection: TupleConnection, read: Extract<TupleFrame, { type: 'read' }>): void
  taken?(connection: TupleConnection, id: number): void
  closed?(connection: TupleConnection): void
}

const BIND_RETRY_MS = 25
const BIND_TRIES = 200

/** Accepts tuple connections. */
export async function serveTuples(at: Address, handlers: TupleHandlers): Promise<Server> {
  const server = createServer({ noDelay: true }, (socket) => accept(socket, handlers))
  for (let attempt = 1; ; attempt++) {
    try {
      await listenOnce(server, at)
      return server
    } catch (error) {
      // The PE's last life may not quite be over.
      if (attempt >= BIND_TRIES) throw error
      await new Promise((resolve) => setTimeout(resolve, BIND_RETRY_MS))
    }
  }
}

function accept(socket: Socket, handlers: TupleHandlers): void {
  const reader = new FrameReader()
  const connection: TupleConnection = {
    send: (frame) => {
      if (!socket.destroyed) socket.write(encodeFrame(frame))
    },
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
  }
  const handle = (frame: TupleFrame): void => {
    if (frame.type === 'batch') handlers.batch(connection, frame)
    else if (frame.type === 'read') handlers.read?.(connection, frame)
    else if (frame.type === 'taken') handlers.taken?.(connection, frame.id)
  }
  socket.on('data', (chunk) => {
    try {
      reader.push(chunk, handle)
    } catch (error) {
      if (!(error instanceof SyntaxError || error instanceof RangeError)) throw error
      socket.destroy()
    }
  })
  socket.on('error', () => {})
  socket.on('close', () => handlers.closed?.(connection))
}

function listenOnce(server: Server, at: Address): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(at.port, at.host, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

import { timingSafeEqual } from 'node:crypto'
import type { Duplex } from 'node:stream'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { TlsMaterial } from './plan.ts'
import type { Address } from './protocol.ts'

const KEEP_ALIVE_MS = 60_000

/** An HTTPS server with the settings that all of a site's servers share. */
export function httpsServer(
  tls: TlsMaterial,
  handle: (request: IncomingMessage, response: ServerResponse) => void,
): Server {
  const server = createServer({ key: tls.key, cert: tls.cert, minVersion: 'TLSv1.2', noDelay: true }, handle)
  server.keepAliveTimeout = KEEP_ALIVE_MS
  server.on('tlsClientError', () => undefined)
  const open = new Set<Duplex>()
  server.on('connection', (socket: Duplex) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
  })
  sockets.set(server, open)
  return server
}

const sockets = new WeakMap<Server, Set<Duplex>>()

/**
 * Closes a server of {@link httpsServer} with all its connections. Node knows only those that have finished their handshake; one
 * whose client is gone without a word, as behind a firewall, would keep the server for two minutes.
 */
export async function closeServer(server: Server): Promise<void> {
  await new Promise((resolve) => {
    server.close(resolve)
    for (const socket of sockets.get(server) ?? []) socket.destroy()
  })
}

const FREE_LOOPBACK: Address = { host: '127.0.0.1', port: 0 }

/** Binds a server to an address (default: a free loopback port), and returns the port. */
export function listenAt(server: Server, { host, port }: Address = FREE_LOOPBACK): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      const address = server.address()
      resolve(typeof address === 'object' && address ? address.port : 0)
    })
  })
}

/** Makes a check of Basic credentials. */
export function basicCheck(username: string, password: string): (request: IncomingMessage) => boolean {
  const expected = Buffer.from(`Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`)
  return (request) => {
    const given = Buffer.from(request.headers.authorization ?? '')
    return given.length === expected.length && timingSafeEqual(given, expected)
  }
}

/** Reads a whole body, or `undefined` if it is longer than `most` bytes; the rest is then discarded. */
export function readBody(request: IncomingMessage, most: number): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let length = 0
    request.on('data', (chunk: Buffer) => {
      length += chunk.length
      if (length <= most) chunks.push(chunk)
    })
    request.on('end', () => {
      if (length > most) resolve(undefined)
      else resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks))
    })
    request.on('error', reject)
    request.on('close', () => {
      if (!request.complete) reject(new Error('the client went away'))
    })
  })
}

/** A data centre for tests: real HTTP or HTTPS, an application that counts, and switches to make it behave badly. */
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { generate } from 'selfsigned'
import { now } from '../core/index.ts'
import type { Endpoint } from './endpoint.ts'
import type { DcName } from './types.ts'

/** A tuple as the site keeps it. */
export interface StoredTuple {
  readonly seq: number
  readonly key: string
  readonly home: string
  readonly keySeq: number
  readonly sentAt: number
  readonly value: number
  readonly payload: string
  readonly checksum: number
  count: number
  sum: number
}

/** What an inject request should meet. */
export type InjectBehaviour =
  | { readonly kind: 'serve' }
  | { readonly kind: 'status'; readonly status: number }
  /** The request is read and never answered. */
  | { readonly kind: 'silent' }
  /** The connection is reset when the request is there. */
  | { readonly kind: 'reset' }
  /** Status and part of the body, then a reset. */
  | { readonly kind: 'half' }
  | { readonly kind: 'slow'; readonly ms: number }

/** One request as the site saw it. */
export interface SiteRequest {
  readonly at: number
  readonly connection: number
  readonly headers: IncomingMessage['headers']
  readonly items: readonly StoredTuple[]
  readonly body: string
}

/** A running site. */
export interface TestSite extends AsyncDisposable {
  readonly dc: DcName
  readonly port: number
  readonly inject: Endpoint
  readonly inspect: Endpoint
  readonly requests: SiteRequest[]
  /** Tuples that were processed, with the time at which they became visible. */
  readonly processed: { readonly seq: number; readonly at: number; readonly tuple: StoredTuple }[]
  behaviour: InjectBehaviour
  /** `drop` loses the answer of a read after the tuples were taken. */
  inspectBehaviour: 'serve' | 'refuse' | 'drop' | 'malformed'
  /** Homes that it owns; others are refused with 409. */
  owns: Set<string>
  bufferSize: number
  /** Tuples that the buffer has ever dropped, and whether reads say how many. */
  dropped: number
  countsDropped: boolean
  /** Changes a tuple on its way out, or drops it (`undefined`). */
  transform: (tuple: StoredTuple) => StoredTuple | undefined
  /** Closes the listener and resets all connections; `start` opens it again on the same port. */
  crash(): Promise<void>
  restart(): Promise<void>
}

const PASSWORD = 'traffic-test-secret'

/** Starts a site. */
export async function testSite(dc: DcName, options: { readonly tls?: boolean } = {}): Promise<TestSite> {
  const tls = options.tls === true
  const pems = tls
    ? await generate([{ name: 'commonName', value: 'localhost' }], {
        extensions: [{ name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] }],
      })
    : undefined
  const buffer: StoredTuple[] = []
  const counts = new Map<string, { count: number; sum: number }>()
  const sockets = new Map<Socket, number>()
  let connections = 0
  let unread = 0

  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      if (request.headers.authorization !== basic()) return end(response, 401, { messages: [{ message: 'who?' }] })
      if (request.method === 'GET') return inspect(request, response)
      inject(request, response, Buffer.concat(parts).toString())
    })
  }

  const inject = (request: IncomingMessage, response: ServerResponse, body: string): void => {
    const { items } = JSON.parse(body) as { items: StoredTuple[] }
    site.requests.push({
      at: now(),
      connection: sockets.get(request.socket) ?? -1,
      headers: request.headers,
      items,
      body,
    })
    const { behaviour } = site
    switch (behaviour.kind) {
      case 'silent':
        return
      case 'reset':
        return void request.socket.destroy()
      case 'status':
        return end(response, behaviour.status, { messages: [{ message: 'as told' }] })
      case 'half':
        response.writeHead(200, { 'content-length': '100' })
        response.write('{"half":', () => request.socket.destroy())
        return
      case 'slow':
        setTimeout(() => serve(items, response), behaviour.ms)
        return
      case 'serve':
        return serve(items, response)
    }
  }

  const serve = (items: readonly StoredTuple[], response: ServerResponse): void => {
    if (items.some((tuple) => !site.owns.has(tuple.home))) {
      return end(response, 409, { messages: [{ message: 'not owned' }] })
    }
    for (const tuple of items) {
      const state = counts.get(tuple.key) ?? { count: 0, sum: 0 }
      state.count++
      state.sum += tuple.value
      counts.set(tuple.key, state)
      const out = site.transform({ ...tuple, ...state })
      if (!out) continue
      buffer.push(out)
      if (buffer.length > site.bufferSize) {
        buffer.shift()
        site.dropped++
        unread++
      }
      site.processed.push({ seq: tuple.seq, at: now(), tuple: out })
    }
    end(response, 200, {})
  }

  const inspect = (request: IncomingMessage, response: ServerResponse): void => {
    if (site.inspectBehaviour === 'refuse') return end(response, 404, {})
    const max = Number(new URL(request.url ?? '/', 'http://x').searchParams.get('maxItems') ?? 1000)
    const items = buffer.splice(0, max)
    if (site.inspectBehaviour === 'drop') {
      response.writeHead(200, { 'content-length': '1000' })
      response.write('{"items":[', () => request.socket.destroy())
      return
    }
    if (site.inspectBehaviour === 'malformed') return void response.end('<html>')
    const warnings = unread > 0 ? ['oldest tuples were dropped'] : []
    end(response, 200, { items, warnings, ...(site.countsDropped ? { droppedTuples: unread } : {}) })
    unread = 0
  }

  const make = (): Server => {
    const listener: RequestListener = handle
    const server = pems ? createTlsServer({ key: pems.private, cert: pems.cert }, listener) : createServer(listener)
    server.on(tls ? 'secureConnection' : 'connection', (socket: Socket) => {
      sockets.set(socket, connections++)
      socket.on('close', () => sockets.delete(socket))
      socket.on('error', () => undefined)
    })
    server.on('tlsClientError', () => undefined)
    return server
  }

  let server = make()
  const listen = (port: number): Promise<number> =>
    new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
    })
  const port = await listen(0)
  const root = `${tls ? 'https' : 'http'}://127.0.0.1:${port}`
  const endpoint = (path: string): Endpoint => ({
    url: `${root}${path}`,
    headers: { authorization: basic() },
    ...(pems ? { tls: { ca: pems.cert } } : {}),
  })
  const crash = async (): Promise<void> => {
    for (const socket of sockets.keys()) {
      if (tls) socket.destroy()
      else socket.resetAndDestroy()
    }
    server.closeAllConnections()
    await new Promise<void>((resolve) => server.close(() => resolve()))
  }
  const site: TestSite = {
    dc,
    port,
    inject: endpoint('/ingest'),
    inspect: endpoint('/results'),
    requests: [],
    processed: [],
    behaviour: { kind: 'serve' },
    inspectBehaviour: 'serve',
    owns: new Set([dc]),
    bufferSize: 1000,
    dropped: 0,
    countsDropped: true,
    transform: (tuple) => tuple,
    crash,
    async restart() {
      server = make()
      await listen(port)
    },
    async [Symbol.asyncDispose]() {
      if (server.listening) await crash()
    },
  }
  return site
}

function basic(): string {
  return `Basic ${Buffer.from(`user:${PASSWORD}`).toString('base64')}`
}

function end(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body)
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) })
  response.end(text)
}

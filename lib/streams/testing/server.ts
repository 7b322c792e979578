import { createServer as createHttp, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createHttps, type ServerOptions } from 'node:https'
import { createServer as createTcp, type AddressInfo, type Socket } from 'node:net'

/** A server of a test. */
export interface TestServer extends AsyncDisposable {
  readonly url: string
  readonly port: number
  /** `METHOD /path?query` of each request so far. */
  readonly requests: string[]
  /** Connections made so far, and those open now. */
  connections(): { readonly made: number; readonly open: number }
  /** Breaks all open connections. */
  breakAll(): void
}

/** What a server of a test does with a request. */
export type Handler = (request: IncomingMessage, response: ServerResponse) => unknown

/** Starts an HTTP server, or HTTPS with `tls`. */
export async function startServer(
  handle: Handler,
  options: { readonly tls?: ServerOptions; readonly port?: number } = {},
): Promise<TestServer> {
  const requests: string[] = []
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    requests.push(`${request.method} ${request.url}`)
    void handle(request, response)
  }
  const server = options.tls ? createHttps(options.tls, listener) : createHttp(listener)
  return listen(server, options.tls ? 'https' : 'http', requests, options.port)
}

/** Starts a TCP server, for what HTTP servers would not do. */
export function startTcp(handle: (socket: Socket) => void): Promise<TestServer> {
  return listen(createTcp(handle) as unknown as Server, 'http', [])
}

async function listen(server: Server, scheme: string, requests: string[], port = 0): Promise<TestServer> {
  const open = new Set<Socket>()
  let made = 0
  server.on('connection', (socket: Socket) => {
    made++
    open.add(socket)
    socket.on('close', () => open.delete(socket))
    socket.on('error', () => {})
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const bound = (server.address() as AddressInfo).port
  return {
    port: bound,
    url: `${scheme}://127.0.0.1:${bound}`,
    requests,
    connections: () => ({ made, open: open.size }),
    breakAll: () => {
      for (const socket of open) socket.resetAndDestroy()
    },
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const socket of open) socket.destroy()
      await closed
    },
  }
}

/** Answers with JSON. */
export function sendJson(
  response: ServerResponse,
  body: unknown,
  status = 200,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(typeof body === 'string' ? body : JSON.stringify(body))
}

/** The body of a request. */
export async function readRequest(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** A port on which nothing listens. */
export async function freePort(): Promise<number> {
  const server = await startTcp(() => {})
  await server[Symbol.asyncDispose]()
  return server.port
}

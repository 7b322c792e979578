import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Address } from '../protocol.ts'

/** A body with its request headers, as `HTTPBLOBInjection` submits it. */
export type BlobHandler = (body: Uint8Array, headers: Readonly<Record<string, string>>) => void

const INJECT = '/inject'
const LONGEST_BODY = 256 * 1024 * 1024
const BIND_RETRY_MS = 25
const BIND_TRIES = 200

/**
 * Operator `HTTPBLOBInjection`: 204 for a body of type `application/octet-stream` on its inject path, 500 for another type (the
 * servlet throws), port metadata on the sibling path `info`.
 */
export function blobReceiver(injectPath: string, submit: BlobHandler): Server {
  const infoPath = `${injectPath.slice(0, -INJECT.length)}/info`
  return createServer((incoming, answer) => {
    const path = decodeURI((incoming.url ?? '').split('?')[0] ?? '')
    if (path === infoPath) return answerInfo(answer, injectPath)
    if (path !== injectPath) return end(answer, 404, 'Not Found')
    if (incoming.method !== 'POST') return end(answer, 405, 'HTTP method is not supported by this URL')
    const type = incoming.headers['content-type']?.split(';')[0]?.trim()
    if (type !== 'application/octet-stream') {
      return end(
        answer,
        500,
        `javax.servlet.ServletException: Content type must be application/octet-stream, not ${type}`,
      )
    }
    readBody(incoming, (body) => {
      // The tuple is submitted before the answer goes out.
      submit(body, flatHeaders(incoming))
      answer.writeHead(204, { connection: 'close' }).end()
    })
  })
}

/** Listens, patiently: the process that had the port before may just be dying. */
export async function listen(server: Server, at: Address): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject)
        server.listen(at.port, at.host, () => {
          server.off('error', reject)
          resolve()
        })
      })
      return
    } catch (error) {
      if (attempt >= BIND_TRIES) throw error
      await new Promise((resolve) => setTimeout(resolve, BIND_RETRY_MS))
    }
  }
}

function answerInfo(answer: ServerResponse, injectPath: string): void {
  const info = { contextPaths: { inject: injectPath }, operatorKind: 'com.ibm.streamsx.inet.rest::HTTPBLOBInjection' }
  answer.writeHead(200, { 'content-type': 'application/json', connection: 'close' }).end(JSON.stringify(info))
}

function end(answer: ServerResponse, status: number, text: string): void {
  answer.writeHead(status, { 'content-type': 'text/plain', connection: 'close' }).end(`${text}\n`)
}

function readBody(incoming: IncomingMessage, done: (body: Uint8Array) => void): void {
  const parts: Buffer[] = []
  let length = 0
  incoming.on('data', (part: Buffer) => {
    length += part.length
    if (length > LONGEST_BODY) incoming.destroy()
    else parts.push(part)
  })
  // A body that breaks off is never submitted.
  incoming.on('end', () => done(parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts)))
  incoming.on('error', () => {})
}

function flatHeaders(incoming: IncomingMessage): Record<string, string> {
  const flat: Record<string, string> = {}
  for (const [name, value] of Object.entries(incoming.headers)) flat[name] = String(value)
  return flat
}

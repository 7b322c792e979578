import { request } from 'node:http'
import { messageOf } from '../../../core/index.ts'
import type { Route } from '../protocol.ts'
import type { Post } from './blob-sender.ts'

/**
 * Posts as `java.net.HttpURLConnection` does for the toolkit: a connection of its own for each message, closed after it. The
 * documented host and port are looked up in the routes, as a name service and NAT would.
 */
export function httpPost(routes: readonly Route[]): Post {
  return ({ host, port, path, body, connectTimeoutMs, readTimeoutMs }, done) => {
    const route = routes.find((known) => known.host === host && known.port === port)
    if (!route) {
      queueMicrotask(() => done({ error: `java.net.UnknownHostException: ${host}` }))
      return
    }
    let answered = false
    const finish: typeof done = (result) => {
      if (answered) return
      answered = true
      clearTimeout(timer)
      done(result)
      outgoing.destroy()
    }
    const timedOut = (what: string) => () => finish({ error: `java.net.SocketTimeoutException: ${what} timed out` })
    let timer = setTimeout(timedOut('connect'), connectTimeoutMs)
    const outgoing = request({
      host: route.via.host,
      port: route.via.port,
      path,
      method: 'POST',
      agent: false,
      headers: {
        host: `${host}:${port}`,
        'content-type': 'application/octet-stream',
        'content-length': body.length,
        connection: 'close',
      },
    })
    outgoing.on('socket', (socket) => {
      socket.on('connect', () => {
        clearTimeout(timer)
        timer = setTimeout(timedOut('Read'), readTimeoutMs)
      })
    })
    outgoing.on('error', (error) => finish({ error: messageOf(error) }))
    outgoing.on('close', () => finish({ error: 'java.net.SocketException: Unexpected end of file from server' }))
    outgoing.on('response', (response) => {
      const parts: Buffer[] = []
      response.on('data', (part: Buffer) => parts.push(part))
      response.on('end', () => {
        finish({ status: response.statusCode ?? 0, text: Buffer.concat(parts).toString('utf8') })
      })
    })
    outgoing.end(body)
  }
}

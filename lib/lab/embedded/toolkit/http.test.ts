import type { AddressInfo } from 'node:net'
import { createServer as createHttpServer, type Server } from 'node:http'
import { createServer } from 'node:net'
import { describe, expect, it } from 'vitest'
import { now } from '../../../core/index.ts'
import { Counters } from '../pe/counters.ts'
import { describeOperators } from '../pe/operators.ts'
import type { Route } from '../protocol.ts'
import { blobReceiver, listen } from './blob-receiver.ts'
import { BlobSender, type BlobSenderOptions, type HttpResponse, type PostResult } from './blob-sender.ts'
import { dataPath, HEARTBEAT_PATH } from './cross-data-center-failover.ts'
import { httpPost } from './http-post.ts'

const BODY = Uint8Array.of(1, 2, 3)

/** Listens for the length of a test. */
async function serving(server: Server | ReturnType<typeof createServer>): Promise<AddressInfo & AsyncDisposable> {
  await listen(server as Server, { host: '127.0.0.1', port: 0 })
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      if ('closeAllConnections' in server) server.closeAllConnections()
      server.close(() => resolve())
    })
  return { ...(server.address() as AddressInfo), [Symbol.asyncDispose]: close }
}

const route = (host: string, { port }: { port: number }): Route => ({
  host,
  port: 25_091,
  via: { host: '127.0.0.1', port },
})

function post(
  routes: readonly Route[],
  host = 'west-host',
  timeouts = { connect: 300, read: 300 },
): Promise<PostResult> {
  return new Promise((resolve) => {
    const { connect: connectTimeoutMs, read: readTimeoutMs } = timeouts
    const request = { host, port: 25_091, path: HEARTBEAT_PATH, body: BODY, connectTimeoutMs, readTimeoutMs }
    httpPost(routes)(request, resolve)
  })
}

describe('the receiver, HTTPBLOBInjection', () => {
  it('takes a blob, gives its headers on, and answers 204 without a body', async () => {
    const received: unknown[] = []
    await using at = await serving(blobReceiver(dataPath(0), (body, headers) => received.push([[...body], headers])))
    const url = `http://127.0.0.1:${at.port}${dataPath(0)}`
    const headers = { 'content-type': 'application/octet-stream', 'x-test': 'yes' }
    const answer = await fetch(url, { method: 'POST', body: BODY, headers })
    expect([answer.status, await answer.text(), answer.headers.get('connection')]).toEqual([204, '', 'close'])
    expect(received).toEqual([[[1, 2, 3], expect.objectContaining({ 'x-test': 'yes' })]])
  })

  it('throws at another content type, and knows its own path only', async () => {
    await using at = await serving(blobReceiver(HEARTBEAT_PATH, () => expect.unreachable()))
    const base = `http://127.0.0.1:${at.port}`
    const statusOf = async (path: string, init?: RequestInit): Promise<number> =>
      (await fetch(base + path, init)).status
    expect(await statusOf(HEARTBEAT_PATH, { method: 'POST', body: 'text' })).toBe(500)
    expect(await statusOf(dataPath(0), { method: 'POST', body: BODY })).toBe(404)
    expect(await statusOf(HEARTBEAT_PATH)).toBe(405)
  })

  it('tells of its port', async () => {
    await using at = await serving(blobReceiver(dataPath(1), () => {}))
    const answer = await fetch(`http://127.0.0.1:${at.port}${dataPath(1).replace(/inject$/, 'info')}`)
    expect(await answer.json()).toMatchObject({ contextPaths: { inject: dataPath(1) } })
  })
})

describe('the HTTP client of the sender', () => {
  it('uses one connection per message and closes it', async () => {
    let connections = 0
    const receiver = blobReceiver(HEARTBEAT_PATH, () => {})
    receiver.on('connection', () => connections++)
    await using at = await serving(receiver)
    for (let i = 0; i < 3; i++) expect(await post([route('west-host', at)])).toEqual({ status: 204, text: '' })
    expect(connections).toBe(3)
  })

  it('knows no host without a route', async () => {
    expect(await post([], 'nowhere')).toEqual({ error: expect.stringContaining('UnknownHost') })
  })

  it('is refused where nobody listens', async () => {
    const at = await serving(createServer())
    await at[Symbol.asyncDispose]()
    expect(await post([route('west-host', at)])).toEqual({ error: expect.stringContaining('ECONNREFUSED') })
  })

  it('gives up on a peer that takes the connection and says nothing, in its read timeout', async () => {
    await using at = await serving(createHttpServer(() => {}))
    const begin = now()
    expect(await post([route('west-host', at)], 'west-host', { connect: 5000, read: 100 })).toEqual({
      error: expect.stringContaining('Read timed out'),
    })
    expect(now() - begin).toBeLessThan(2000)
  })

  it('notices a peer that hangs up in the middle', async () => {
    await using at = await serving(createServer((socket) => socket.once('data', () => socket.destroy())))
    expect(await post([route('west-host', at)])).toEqual({ error: expect.any(String) })
  })
})

describe('the sender', () => {
  /** A sender over scripted hosts, and what it asked of whom. */
  function sender(hosts: Readonly<Record<string, () => PostResult>>, options: Partial<BlobSenderOptions> = {}) {
    const asked: string[] = []
    const failed: HttpResponse[] = []
    const traces: string[] = []
    const name = 'CrossDCFailover.CrossDataCenterSender1'
    const counters = new Counters(describeOperators('cross-dc'))
    const sender = new BlobSender(
      {
        hosts: Object.keys(hosts),
        port: 25_091,
        path: HEARTBEAT_PATH,
        sendToAll: false,
        alwaysLogErrors: false,
        connectTimeoutMs: 1,
        readTimeoutMs: 1,
        ...options,
      },
      { inputs: [counters.input(name, 0)], output: counters.output(name, 0) },
      {
        post: ({ host }, done) => {
          asked.push(host)
          done(hosts[host]?.() ?? { error: 'unknown' })
        },
        trace: (level, _, text) => void traces.push(`${level} ${text}`),
        failed: (response) => void failed.push(response),
      },
    )
    return { sender, asked, failed, traces, counters: counters.output(name, 0) }
  }
  const ok = (): PostResult => ({ status: 204, text: '' })
  const refused = (): PostResult => ({ error: 'refused' })

  it('stays with the host that took the last message', () => {
    const { sender: one, asked } = sender({ a: refused, b: ok, c: ok })
    one.send(BODY)
    one.send(BODY)
    expect(asked).toEqual(['a', 'b', 'b'])
  })

  it('begins the list anew when that host fails, and drops a message that nobody takes', () => {
    let down = false
    const { sender: one, asked } = sender({ a: refused, b: () => (down ? refused() : ok()) })
    one.send(BODY)
    down = true
    one.send(BODY)
    down = false
    one.send(BODY)
    expect(asked).toEqual(['a', 'b', 'b', 'a', 'b', 'a', 'b'])
  })

  it('sends to every host if told to', () => {
    const { sender: one, asked } = sender({ a: refused, b: ok, c: ok }, { sendToAll: true })
    one.send(BODY)
    expect(asked).toEqual(['a', 'b', 'c'])
  })

  it('emits a tuple for an answer that is neither 200 nor 204, and none for an exception', () => {
    const { sender: one, failed, counters, traces } = sender({ a: refused, b: () => ({ status: 500, text: 'no' }) })
    one.send(BODY)
    expect(failed).toEqual([{ responseCode: 500, responseMessage: 'no' }])
    expect(counters.submitted).toBe(1)
    expect(traces).toContain('info HTTP response code=500')
    expect(traces[0]).toMatch(/^error Exception while communicating with http:\/\/a:25091\/crossdcrx/)
  })
})

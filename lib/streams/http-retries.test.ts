import { describe, expect, it } from 'vitest'
import { AbortedError, eventually, now } from '../core/index.ts'
import { RateLimitedError, RequestTimeoutError, ServerError, UnreachableError } from './errors.ts'
import { freePort, readRequest, sendJson, startServer, startTcp } from './testing/server.ts'
import { failure, open } from './testing/transport.ts'

describe('retries', () => {
  it('repeats a GET through a storm of 5xx, with and without JSON', async () => {
    let count = 0
    await using server = await startServer((_, response) => {
      count++
      if (count === 1) sendJson(response, { messages: [{ id: 'CDISW5001E', message: 'CDISW5001E oops' }] }, 500)
      else if (count === 2) sendJson(response, '', 503)
      else if (count === 3) sendJson(response, '<html></html>', 502)
      else sendJson(response, { ok: true })
    })
    await using transport = open(server.url)
    const answer = await transport.send({ url: '/' })
    expect(answer.attempts).toBe(4)
  })

  it('gives up after the tries it has', async () => {
    await using server = await startServer((_, response) => sendJson(response, 'no', 503))
    await using transport = open(server.url)
    expect(await failure(transport.send({ url: '/' }))).toBeInstanceOf(ServerError)
    expect(server.requests).toHaveLength(4)
    await failure(transport.send({ url: '/', attempts: 2 }))
    expect(server.requests).toHaveLength(6)
  })

  it.each(['POST', 'PATCH', 'PUT'] as const)('never repeats a %s that may have got through', async (method) => {
    await using server = await startServer((request, response) => {
      if (request.url === '/reset') request.socket.destroy()
      else sendJson(response, 'no', 503)
    })
    await using transport = open(server.url)
    const error = await failure(transport.send({ method, url: '/', json: { a: 1n } }))
    expect(error).toBeInstanceOf(ServerError)
    const reset = await failure(transport.send({ method, url: '/reset', json: {} }))
    expect(reset).toBeInstanceOf(UnreachableError)
    expect(reset).toMatchObject({ kind: 'reset', mayHaveReached: true })
    expect(server.requests).toHaveLength(2)
  })

  it('repeats a POST that certainly did nothing: no connection, or 429', async () => {
    const port = await freePort()
    await using transport = open(`http://127.0.0.1:${port}`, { retry: { attempts: 200, base: '5ms', cap: '5ms' } })
    const sent = transport.send({ method: 'POST', url: '/', json: { a: 1 } })
    let bodies = ''
    let count = 0
    await using server = await startServer(
      async (request, response) => {
        bodies += (await readRequest(request)).toString()
        if (++count === 1) sendJson(response, '', 429, { 'retry-after': '0.01' })
        else sendJson(response, {})
      },
      { port },
    )
    await sent
    expect(server.requests).toHaveLength(2)
    expect(bodies).toBe('{"a":1}{"a":1}')
  })

  it('waits as long as Retry-After says, or gives up if that is too long', async () => {
    let count = 0
    await using server = await startServer((_, response) => {
      if (++count === 1) sendJson(response, '', 503, { 'retry-after': '0.15' })
      else if (count === 2) sendJson(response, '{}')
      else sendJson(response, '', 429, { 'retry-after': new Date(Date.now() + 60_000).toUTCString() })
    })
    await using transport = open(server.url)
    const before = now()
    await transport.send({ url: '/' })
    expect(now() - before).toBeGreaterThanOrEqual(140)
    const error = await failure(transport.send({ url: '/', within: '2s' }))
    expect(error).toBeInstanceOf(RateLimitedError)
    expect(error.retryAfterMs).toBeGreaterThan(50_000)
    expect(server.requests).toHaveLength(3)
  })

  it('backs off exponentially with full jitter', async () => {
    await using server = await startServer((_, response) => sendJson(response, '', 503))
    const seen: number[] = []
    const random = () => {
      seen.push(now())
      return 0.5
    }
    await using transport = open(server.url, { retry: { attempts: 4, base: '40ms', cap: '100ms', random } })
    const before = now()
    await failure(transport.send({ url: '/' }))
    // Half of 40, 80 and (capped) 100.
    expect(now() - before).toBeGreaterThanOrEqual(105)
    expect(seen).toHaveLength(3)
  })

  it('repeats a GET whose kept-alive connection was closed under it', async () => {
    await using server = await startServer((request, response) => {
      sendJson(response, { ok: true })
      // Announces keep-alive, then closes as soon as the answer is out.
      response.once('finish', () => setImmediate(() => request.socket.resetAndDestroy()))
    })
    await using transport = open(server.url)
    for (let i = 0; i < 30; i++) await transport.send({ url: '/' })
    expect(server.requests.length).toBeGreaterThanOrEqual(30)
  })
})

describe('time', () => {
  it.each(['/no-headers', '/slow-headers', '/slow-body'])('a slow loris (%s) does not hold us', async (url) => {
    await using server = await startTcp((socket) => {
      socket.once('data', () => {
        if (url === '/no-headers') return
        socket.write(
          url === '/slow-headers' ? 'HTTP/1.1 200 OK\r\n' : 'HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n',
        )
        const timer = setInterval(() => socket.write(url === '/slow-headers' ? 'x-a: b\r\n' : 'x'), 20)
        socket.on('close', () => clearInterval(timer))
      })
    })
    await using transport = open(server.url)
    const before = now()
    const error = await failure(transport.send({ url, within: '250ms', attempts: 1 }))
    expect(error).toBeInstanceOf(RequestTimeoutError)
    expect(error.mayHaveReached).toBe(true)
    expect(now() - before).toBeLessThan(5000)
  })

  it('tells a server that never takes the connection from one that never answers', async () => {
    await using server = await startServer(() => {})
    await using transport = open(server.url, { connections: 1 })
    const first = failure(transport.send({ url: '/', within: '300ms', attempts: 1 }))
    const queued = await failure(transport.send({ url: '/', within: '100ms', attempts: 1 }))
    // It waited for the one connection and was never sent.
    expect(queued).toMatchObject({ kind: 'connect-timeout', mayHaveReached: false })
    expect(await first).toBeInstanceOf(RequestTimeoutError)
  })

  it('bounds the call with all its tries', async () => {
    await using server = await startServer((_, response) => sendJson(response, '', 503))
    await using transport = open(server.url, { retry: { attempts: 1000, base: '20ms', cap: '20ms' } })
    const before = now()
    const error = await failure(transport.send({ url: '/', within: '200ms' }))
    // What the end of the time met: the pause after an answer, or a try under way.
    expect([ServerError, RequestTimeoutError].some((kind) => error instanceof kind)).toBe(true)
    expect(now() - before).toBeLessThan(5000)
  })

  it('an aborted signal ends the call and frees the connection', async () => {
    await using server = await startServer((_, response) => {
      response.writeHead(200)
      response.write('{')
    })
    await using transport = open(server.url)
    const controller = new AbortController()
    const calls = [1, 2, 3].map((n) => transport.send({ url: `/${n}`, signal: controller.signal }))
    await eventually(
      async () => (server.requests.length === 3 ? { done: true, value: 0 } : { done: false, seen: 'few' }),
      {
        within: '2s',
        every: '5ms',
        describe: 'requests',
      },
    )
    controller.abort()
    for (const call of calls) await expect(call).rejects.toBeInstanceOf(AbortedError)
    await eventually(
      async () => (server.connections().open === 0 ? { done: true, value: 0 } : { done: false, seen: 'open' }),
      {
        within: '2s',
        every: '5ms',
        describe: 'connections to be closed',
      },
    )
    await expect(transport.send({ url: '/', signal: controller.signal })).rejects.toBeInstanceOf(AbortedError)
    expect(server.requests).toHaveLength(3)
  })

  it('an aborted signal ends the pause between tries', async () => {
    await using server = await startServer((_, response) => sendJson(response, '', 503))
    await using transport = open(server.url, { retry: { base: '10s', cap: '10s', random: () => 0.99 } })
    const controller = new AbortController()
    const call = transport.send({ url: '/', signal: controller.signal })
    await eventually(
      async () => (server.requests.length === 1 ? { done: true, value: 0 } : { done: false, seen: 'none' }),
      {
        within: '2s',
        every: '5ms',
        describe: 'a request',
      },
    )
    controller.abort()
    await expect(call).rejects.toBeInstanceOf(AbortedError)
  })

  it('disposal ends what is under way, at once', async () => {
    await using server = await startServer(() => {})
    const transport = open(server.url)
    const call = transport.send({ url: '/' })
    await eventually(
      async () => (server.requests.length === 1 ? { done: true, value: 0 } : { done: false, seen: 'none' }),
      {
        within: '2s',
        every: '5ms',
        describe: 'a request',
      },
    )
    const before = now()
    await Promise.all([expect(call).rejects.toBeInstanceOf(AbortedError), transport[Symbol.asyncDispose]()])
    expect(now() - before).toBeLessThan(5000)
    await expect(transport.send({ url: '/' })).rejects.toBeInstanceOf(AbortedError)
  })
})

import { gzipSync } from 'node:zlib'
import { inspect } from 'node:util'
import { describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { AbortedError, ConfigurationError, eventually, now, Secret } from '../core/index.ts'
import type { ConnectionOptions } from './connection.ts'
import {
  ConflictError,
  ForbiddenError,
  ForeignOriginError,
  InstanceNotStartedError,
  MalformedAnswerError,
  NotFoundError,
  RateLimitedError,
  RedirectError,
  RejectedError,
  RequestTimeoutError,
  ServerError,
  StreamsError,
  UnauthorizedError,
  UnreachableError,
} from './errors.ts'
import { openTransport } from './http.ts'
import { freePort, readRequest, sendJson, startServer, startTcp } from './testing/server.ts'

const CANARY = 'canary-s3cret'
const credentials = { username: 'streamsadmin', password: new Secret(CANARY) }
const anything = z.looseObject({})

function open(url: string, options: Partial<ConnectionOptions> = {}) {
  return openTransport({ dc: 'east', url, credentials, retry: { base: '1ms', cap: '5ms' }, ...options })
}

async function failure(promise: Promise<unknown>): Promise<StreamsError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(StreamsError)
  return error as StreamsError
}

describe('a call', () => {
  it('sends Basic credentials and reads JSON with integers beyond 2^53', async () => {
    let authorization: string | undefined
    await using server = await startServer((request, response) => {
      authorization = request.headers.authorization
      sendJson(
        response,
        '{"big": 9007199254740993, "negative": -9223372036854775808, "small": 7, "decimal": 1.5, "text": "12345678901234567890"}',
      )
    })
    await using transport = open(server.url)
    expect(await transport.json(anything, { url: transport.below('x') })).toEqual({
      big: 9007199254740993n,
      negative: -9223372036854775808n,
      small: 7,
      decimal: 1.5,
      text: '12345678901234567890',
    })
    expect(authorization).toBe(`Basic ${Buffer.from(`streamsadmin:${CANARY}`).toString('base64')}`)
  })

  it('accepts JSON under any content type, and compressed', async () => {
    await using server = await startServer((request, response) => {
      if (request.url === '/plain') return sendJson(response, { ok: 1 }, 200, { 'content-type': 'text/plain' })
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' })
      response.end(gzipSync('{"ok":2}'))
    })
    await using transport = open(server.url)
    expect(await transport.json(anything, { url: '/plain' })).toEqual({ ok: 1 })
    expect(await transport.json(anything, { url: '/zipped' })).toEqual({ ok: 2 })
  })

  it('ignores proxies of the environment', async () => {
    await using server = await startServer((_, response) => sendJson(response, { ok: true }))
    await using proxy = await startServer((_, response) => sendJson(response, { proxy: true }))
    vi.stubEnv('HTTP_PROXY', proxy.url)
    vi.stubEnv('http_proxy', proxy.url)
    try {
      await using transport = open(server.url)
      expect(await transport.json(anything, { url: '/' })).toEqual({ ok: true })
      expect(proxy.requests).toEqual([])
    } finally {
      vi.unstubAllEnvs()
    }
  })

  it('refuses a base URL that holds credentials, without showing them', () => {
    expect(() => open(`https://user:${CANARY}@east:9714/streams`)).toThrow(ConfigurationError)
    expect(() => open(`https://user:${CANARY}@east:9714/streams`)).not.toThrow(CANARY)
    expect(() => open('not a url')).toThrow(/The URL of east is not a URL/)
    expect(() => open('ftp://east/')).toThrow(/ftp:/)
  })
})

describe('statuses become typed errors', () => {
  const wrapped = (id: string, text: string) => ({ messages: [{ id, message: `${id} ${text}` }] })
  const flat = (id: string, text: string) => ({ id, message: `${id} ${text}` })

  it.each([
    [401, wrapped('CDISW9999E', 'wrong'), UnauthorizedError, 'CDISW9999E'],
    [403, flat('CDISW5003E', 'You may not list jobs.'), ForbiddenError, 'CDISW5003E'],
    [404, wrapped('CDISA5230E', 'The following job ID does not exist: 99.'), NotFoundError, 'CDISA5230E'],
    [404, flat('CDISW5000E', 'The resource cannot be found.'), NotFoundError, 'CDISW5000E'],
    [404, '', NotFoundError, undefined],
    [409, wrapped('CDISA5063E', 'exists'), ConflictError, 'CDISA5063E'],
    [409, wrapped('CDISA5072E', 'The instance is not started.'), InstanceNotStartedError, 'CDISA5072E'],
    [503, flat('CDISA5072E', 'The instance is not started.'), InstanceNotStartedError, 'CDISA5072E'],
    [500, { messages: [{ message: 'CDISW5001E unexpected' }] }, ServerError, 'CDISW5001E'],
    [400, wrapped('CDISW5014E', 'no JSON'), RejectedError, 'CDISW5014E'],
    [415, 'Unsupported', RejectedError, undefined],
    [429, '', RateLimitedError, undefined],
    [500, 'oops', ServerError, undefined],
    [502, '<html><head><style>p{}</style></head><body><h1>Bad Gateway</h1></body></html>', ServerError, undefined],
  ])('%i %j', async (status, body, type, messageId) => {
    await using server = await startServer((_, response) => sendJson(response, body, status))
    await using transport = open(`${server.url}/streams`)
    const error = await failure(transport.send({ url: transport.below('jobs?name=x'), attempts: 1 }))
    expect(error).toBeInstanceOf(type)
    expect(error).toMatchObject({
      dc: 'east',
      method: 'GET',
      url: `${server.url}/streams/jobs?name=x`,
      status,
      messageId,
    })
    expect(error.message).toContain(`east: GET ${server.url}/streams/jobs`)
    expect(error.message).not.toMatch(/<\w+>/)
    expect(error.code).toMatch(/^STREAMS_/)
  })

  it('says what to do about wrong credentials, and shows none', async () => {
    await using server = await startServer((request, response) => {
      sendJson(
        response,
        { messages: [{ id: 'X', message: `bad header ${request.headers.authorization} (${CANARY})` }] },
        401,
      )
    })
    await using transport = open(server.url)
    const error = await failure(transport.send({ url: '/' }))
    expect(error.remedy).toBe('Check user and password (or certificate, or token) for east.')
    for (const text of [
      error.message,
      String(error),
      inspect(error, { depth: 10 }),
      JSON.stringify(error),
      JSON.stringify(error.details),
    ]) {
      expect(text).not.toContain(CANARY)
      expect(text).not.toContain(Buffer.from(`streamsadmin:${CANARY}`).toString('base64'))
    }
  })

  it('tells a web page from JSON', async () => {
    await using server = await startServer((_, response) => {
      response.writeHead(200, { 'content-type': 'text/html' })
      response.end('<!DOCTYPE html><html><body><p>Please log in</p></body></html>')
    })
    await using transport = open(server.url)
    const error = await failure(transport.json(anything, { url: '/' }))
    expect(error).toBeInstanceOf(MalformedAnswerError)
    expect(error.message).toContain('the answer is a web page (text/html): Please log in')
    expect(error.remedy).toContain('A proxy or another service answers there')
  })

  it('names the member that is not as promised', async () => {
    await using server = await startServer((_, response) => sendJson(response, { jobs: [{ id: 1 }, { id: true }] }))
    await using transport = open(server.url)
    const schema = z.object({ jobs: z.array(z.object({ id: z.number() })) })
    const error = await failure(transport.json(schema, { url: '/' }))
    expect(error.message).toContain('jobs.1.id')
    expect(error.remedy).toContain('dialect')
  })
})

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

describe('broken answers', () => {
  it.each([
    [
      'fewer bytes than announced',
      'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"jobs":[',
    ],
    ['a chunk without end', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\n{"jobs":[\r\n'],
    ['headers cut short', 'HTTP/1.1 200 OK\r\ncontent-ty'],
    ['nothing at all', ''],
  ])('%s', async (_, bytes) => {
    await using server = await startTcp((socket) => socket.once('data', () => socket.end(bytes)))
    await using transport = open(server.url)
    const error = await failure(transport.json(anything, { url: '/', attempts: 2 }))
    expect(error).toBeInstanceOf(UnreachableError)
    expect(error).toMatchObject({ kind: 'reset', mayHaveReached: true })
    expect(server.connections().made).toBe(2)
  })

  it('JSON cut short by the end of the connection', async () => {
    await using server = await startTcp((socket) =>
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{"jobs":[{"id"')),
    )
    await using transport = open(server.url)
    const error = await failure(transport.json(anything, { url: '/' }))
    expect(error).toBeInstanceOf(MalformedAnswerError)
    expect(error.message).toContain('no JSON')
  })

  it('a reset in the middle of the body', async () => {
    await using server = await startServer((request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.write('{"jobs":[', () => request.socket.resetAndDestroy())
    })
    await using transport = open(server.url)
    expect(await failure(transport.send({ url: '/', attempts: 1 }))).toMatchObject({
      kind: 'reset',
      mayHaveReached: true,
    })
  })

  it('something that is not HTTP', async () => {
    await using server = await startTcp((socket) => socket.once('data', () => socket.end('SSH-2.0-OpenSSH_9.6\r\n')))
    await using transport = open(server.url)
    const error = await failure(transport.send({ url: '/' }))
    expect(error).toBeInstanceOf(MalformedAnswerError)
    expect(error.message).toContain('not HTTP')
  })

  it('gzip that is none, or cut short', async () => {
    await using server = await startServer((request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' })
      response.end(request.url === '/none' ? 'plain' : gzipSync('{"a":1}'.repeat(1000)).subarray(0, 20))
    })
    await using transport = open(server.url)
    for (const url of ['/none', '/short']) {
      expect(await failure(transport.send({ url }))).toBeInstanceOf(MalformedAnswerError)
    }
  })

  it('more than the limit, also when it is small on the wire', async () => {
    const bomb = gzipSync(Buffer.alloc(20_000_000))
    await using server = await startServer((request, response) => {
      if (request.url === '/bomb') {
        response.writeHead(200, { 'content-encoding': 'gzip' })
        response.end(bomb)
        return
      }
      response.writeHead(200)
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536))) continue
      }
      response.on('drain', more)
      more()
    })
    await using transport = open(server.url, { maxAnswerBytes: 1_000_000 })
    for (const url of ['/bomb', '/endless']) {
      const error = await failure(transport.send({ url }))
      expect(error).toBeInstanceOf(MalformedAnswerError)
      expect(error.message).toContain('larger than 1000000 bytes')
    }
    await eventually(
      async () => (server.connections().open <= 1 ? { done: true, value: 0 } : { done: false, seen: 'open' }),
      {
        within: '2s',
        every: '10ms',
        describe: 'the endless connection to be closed',
      },
    )
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

describe('no connection', () => {
  it('refused', async () => {
    await using transport = open(`http://127.0.0.1:${await freePort()}`)
    const error = await failure(transport.send({ url: '/', attempts: 1 }))
    expect(error).toMatchObject({ kind: 'refused', mayHaveReached: false, code: 'STREAMS_UNREACHABLE' })
    expect(error.remedy).toContain('streamtool geturl --api')
  })

  it('name not known', async () => {
    await using transport = open('http://no-such-host.invalid:9714')
    expect(await failure(transport.send({ url: '/', attempts: 1 }))).toMatchObject({
      kind: 'dns',
      mayHaveReached: false,
    })
  })

  it('closed while it is set up', async () => {
    await using server = await startTcp((socket) => socket.resetAndDestroy())
    await using transport = open(server.url.replace('http:', 'https:'))
    const error = await failure(transport.send({ method: 'POST', url: '/', json: {}, attempts: 1 }))
    expect(error).toMatchObject({ kind: 'reset', mayHaveReached: false })
  })

  it('swallowed during TLS set-up', async () => {
    await using server = await startTcp(() => {})
    await using transport = open(server.url.replace('http:', 'https:'), { timeouts: { connect: '200ms' } })
    const error = await failure(transport.send({ method: 'POST', url: '/', json: {}, attempts: 1, within: '5s' }))
    expect(error).toMatchObject({ kind: 'connect-timeout', mayHaveReached: false })
  })

  it('asks where the service moved to, and goes on there', async () => {
    const port = await freePort()
    await using server = await startServer((_, response) => sendJson(response, { moved: true }))
    const notices: string[] = []
    await using transport = open(`http://127.0.0.1:${port}/streams`, {
      resolveUrl: () => Promise.resolve(`${server.url}/streams`),
      onNotice: (text) => notices.push(text),
    })
    expect(
      await transport.json(anything, { method: 'POST', url: transport.below('x'), json: {}, attempts: 1 }),
    ).toEqual({ moved: true })
    expect(transport.base).toBe(`${server.url}/streams`)
    expect(notices).toEqual([`east: the service moved from http://127.0.0.1:${port}/streams to ${server.url}/streams.`])
  })

  it('keeps the error when the hook fails', async () => {
    await using transport = open(`http://127.0.0.1:${await freePort()}`, {
      resolveUrl: () => Promise.reject(new Error('no idea')),
    })
    expect(await failure(transport.send({ url: '/', attempts: 1 }))).toBeInstanceOf(UnreachableError)
    expect(transport.notices).toEqual(['east: the `resolveUrl` function failed: no idea'])
  })
})

describe('links and redirects', () => {
  it('calls the configured server for links that name another', async () => {
    await using server = await startServer((request, response) => sendJson(response, { path: request.url }))
    await using transport = open(`${server.url}/streams`)
    expect(await transport.json(anything, { url: 'https://internal:9714/streams/jobs?x=1' })).toEqual({
      path: '/streams/jobs?x=1',
    })
  })

  it('refuses them when told to, without a call', async () => {
    await using server = await startServer((_, response) => sendJson(response, {}))
    await using other = await startServer((_, response) => sendJson(response, {}))
    await using transport = open(server.url, { rewriteOrigin: false })
    const error = await failure(transport.send({ url: `${other.url}/jobs` }))
    expect(error).toBeInstanceOf(ForeignOriginError)
    expect(error.mayHaveReached).toBe(false)
    expect([...server.requests, ...other.requests]).toEqual([])
    await using rewriting = open(server.url)
    expect(await failure(rewriting.send({ url: 'file:///etc/passwd' }))).toBeInstanceOf(ForeignOriginError)
  })

  it('follows redirects of GET within the origin', async () => {
    await using server = await startServer((request, response) => {
      if (request.url === '/a') sendJson(response, '', 302, { location: '/b' })
      else if (request.url === '/b') sendJson(response, '', 308, { location: `http://${request.headers.host}/c` })
      else sendJson(response, { path: request.url, authorized: request.headers.authorization !== undefined })
    })
    await using transport = open(server.url)
    expect(await transport.json(anything, { url: '/a' })).toEqual({ path: '/c', authorized: true })
  })

  it('never follows one to another origin', async () => {
    await using thief = await startServer((_, response) => sendJson(response, {}))
    await using server = await startServer((_, response) => sendJson(response, '', 307, { location: `${thief.url}/x` }))
    await using transport = open(server.url)
    const error = await failure(transport.send({ url: '/' }))
    expect(error).toBeInstanceOf(RedirectError)
    expect(error.message).toContain(thief.url)
    expect(thief.requests).toEqual([])
  })

  it.each([
    ['a circle', (url: string) => (url === '/a' ? '/b' : '/a'), 'in a circle'],
    ['an endless chain', (url: string) => `${url}x`, 'more than 5 redirects'],
  ])('stops at %s', async (_, next, text) => {
    await using server = await startServer((request, response) =>
      sendJson(response, '', 301, { location: next(request.url ?? '') }),
    )
    await using transport = open(server.url)
    const error = await failure(transport.send({ url: '/a' }))
    expect(error).toBeInstanceOf(RedirectError)
    expect(error.message).toContain(text)
  })

  it('does not send a changing call on', async () => {
    await using server = await startServer((_, response) => sendJson(response, '', 308, { location: '/elsewhere' }))
    await using transport = open(server.url)
    expect(await failure(transport.send({ method: 'POST', url: '/', json: {} }))).toBeInstanceOf(RedirectError)
    expect(server.requests).toEqual(['POST /'])
  })
})

describe('an authorize hook', () => {
  it('is asked again once after a 401', async () => {
    await using server = await startServer((request, response) => {
      if (request.headers.authorization === 'Bearer fresh-token') sendJson(response, { ok: true })
      else sendJson(response, '', 401)
    })
    const asked: boolean[] = []
    await using transport = open(server.url, {
      credentials: {
        authorize: ({ again }) => {
          asked.push(again)
          return { authorization: again ? 'Bearer fresh-token' : 'Bearer stale-token' }
        },
      },
    })
    expect(await transport.json(anything, { url: '/' })).toEqual({ ok: true })
    expect(asked).toEqual([false, true])
  })

  it('may fail, as an error of authorization', async () => {
    await using server = await startServer((_, response) => sendJson(response, {}))
    await using transport = open(server.url, {
      credentials: { authorize: () => Promise.reject(new Error('vault is sealed')) },
    })
    const error = await failure(transport.send({ url: '/' }))
    expect(error).toBeInstanceOf(UnauthorizedError)
    expect(error.message).toContain('vault is sealed')
    expect(error.mayHaveReached).toBe(false)
    expect(server.requests).toEqual([])
  })
})

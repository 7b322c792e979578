import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { eventually } from '../core/index.ts'
import { ForeignOriginError, MalformedAnswerError, RedirectError, UnreachableError } from './errors.ts'
import { freePort, sendJson, startServer, startTcp } from './testing/server.ts'
import { failure, open } from './testing/transport.ts'

const anything = z.looseObject({})

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

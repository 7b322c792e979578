import { gzipSync } from 'node:zlib'
import { inspect } from 'node:util'
import { describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { ConfigurationError } from '../core/index.ts'
import {
  ConflictError,
  ForbiddenError,
  InstanceNotStartedError,
  MalformedAnswerError,
  NotFoundError,
  RateLimitedError,
  RejectedError,
  ServerError,
  UnauthorizedError,
} from './errors.ts'
import { sendJson, startServer } from './testing/server.ts'
import { CANARY, failure, open } from './testing/transport.ts'

const anything = z.looseObject({})

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

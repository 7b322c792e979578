import { describe, expect, it } from 'vitest'
import { request } from 'undici'
import { eventually, Secret } from '../core/index.ts'
import type { ConnectionOptions } from './connection.ts'
import { endpointAgent, openDataExchange } from './data-exchange.ts'
import { defineDialect } from './dialect.ts'
import { ConflictError, MalformedAnswerError, NotFoundError, RecordError, UnauthorizedError } from './errors.ts'
import type { Endpoint } from './exchange.ts'
import { injectOutcome } from './inject.ts'
import { parseInspected } from './inspect.ts'
import { createAuthority, issue } from './testing/certificates.ts'
import { startDataDouble } from './testing/data-double.ts'
import { freePort, readRequest, sendJson, startServer, startTcp } from './testing/server.ts'

const CANARY = 'canary-data-pw'

function open(url: string, options: Partial<ConnectionOptions> = {}) {
  return openDataExchange({
    dc: 'east',
    url,
    credentials: { username: 'u', password: new Secret(CANARY) },
    retry: { base: '1ms', cap: '5ms' },
    ...options,
  })
}

const tuple = (seq: number | bigint) => ({ seq, checksum: 4_294_967_295, home: 'east', note: null })

/** An endpoint without a schema. */
function endpointAt(url: string, direction: Endpoint['direction'] = 'inject'): Endpoint {
  return {
    job: 'app',
    jobId: '1',
    operator: 'Ingest',
    port: 0,
    direction,
    url,
    parameters: { max: 'maxItems', since: 'startTime' },
  }
}

describe('discovery', () => {
  it('reads jobs and endpoints from the listing, schemas and parameters from OpenAPI', async () => {
    await using server = await startDataDouble({ origin: 'https://internal.example:7070' })
    await using data = open(server.url)
    const { jobs } = await data.discover()
    expect(jobs).toMatchObject([{ name: 'app', id: '1' }])
    const [ingest, results] = jobs[0]?.endpoints ?? []
    expect(ingest).toMatchObject({
      operator: 'Main.Ingest',
      direction: 'inject',
      url: `${server.url}/data/1/Main.Ingest/ports/output/0`,
      webSocketUrl: 'wss://x/y',
    })
    expect(ingest?.schema?.fields).toEqual([
      { name: 'seq', type: { kind: 'integer', bits: 64, signed: true }, optional: false },
      { name: 'checksum', type: { kind: 'integer', bits: 32, signed: false }, optional: false },
      { name: 'home', type: { kind: 'string', values: ['east', 'west'] }, optional: false },
      { name: 'note', type: { kind: 'string' }, optional: true },
    ])
    expect(results).toMatchObject({ direction: 'inspect', parameters: { max: 'max', since: 'since' } })
    expect((await data.discover({ job: 'other' })).jobs).toEqual([])
  })

  it('finds endpoints by the description where the listing has none', async () => {
    await using server = await startDataDouble({ endpoints: false })
    await using data = open(server.url)
    const { jobs } = await data.discover()
    expect(jobs[0]?.endpoints.map((one) => [one.operator, one.port, one.direction])).toEqual([
      ['Main.Ingest', 0, 'inject'],
      ['Main.Results', 0, 'inspect'],
    ])
  })

  it('does without the description, and says so', async () => {
    await using server = await startDataDouble({ openapi: false })
    await using data = open(server.url)
    const endpoint = await data.endpoint({ direction: 'inject' })
    expect(endpoint.schema).toBeUndefined()
    expect(endpoint.parameters).toEqual({ max: 'maxItems', since: 'startTime' })
    expect(data.notices.join()).toContain('its tuples are not checked')
  })

  it('names what there is when an operator is unknown', async () => {
    await using server = await startDataDouble()
    await using data = open(server.url)
    const error: unknown = await data
      .endpoint({ operator: 'Nope', direction: 'inject' })
      .catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(NotFoundError)
    expect((error as Error).message).toContain('no endpoint Nope inject')
    expect((error as Error).message).toContain('inject app/Main.Ingest:0, inspect app/Main.Results:0')
    expect((await data.endpoint({ operator: 'Ingest', direction: 'inject' })).operator).toBe('Main.Ingest')
  })

  it('is a conflict where several fit', async () => {
    await using server = await startServer((_, response) =>
      sendJson(response, {
        jobs: [1, 2].map((id) => ({
          jobId: id,
          jobName: `app${id}`,
          endpoints: [{ operator: 'In', port: 0, direction: 'inject', http: `/j${id}` }],
        })),
      }),
    )
    await using data = open(server.url)
    await expect(data.endpoint({ direction: 'inject' })).rejects.toBeInstanceOf(ConflictError)
    expect((await data.endpoint({ job: 'app2', direction: 'inject' })).url).toBe(`${server.url}/j2`)
  })

  it('waits for an endpoint that is not there yet', async () => {
    let asked = 0
    await using server = await startServer((_, response) =>
      sendJson(response, {
        jobs:
          ++asked < 4
            ? []
            : [{ jobId: 1, jobName: 'app', endpoints: [{ operator: 'In', port: 0, direction: 'inject', http: '/i' }] }],
      }),
    )
    await using data = open(server.url)
    await expect(data.endpoint({ direction: 'inject' })).rejects.toBeInstanceOf(NotFoundError)
    expect((await data.endpoint({ direction: 'inject' }, { within: '5s' })).operator).toBe('In')
  })

  it('rejects a listing of another shape, naming the member', async () => {
    await using server = await startServer((_, response) =>
      sendJson(response, { jobs: [{ jobId: 1, endpoints: [{ operator: 'In', http: '/x', direction: 'sideways' }] }] }),
    )
    await using data = open(server.url)
    const error: unknown = await data.discover().catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(MalformedAnswerError)
    expect((error as Error).message).toContain('expected direction to be inject or inspect')
  })
})

describe('inject', () => {
  it('sends a batch with its integers whole', async () => {
    await using server = await startDataDouble()
    await using data = open(server.url)
    const endpoint = await data.endpoint({ direction: 'inject' })
    const result = await data.inject(endpoint, [tuple(1), tuple(9007199254740993n)])
    expect(result).toMatchObject({ outcome: 'acknowledged', status: 200 })
    expect(result.doneAt).toBeGreaterThan(result.sentAt)
    expect(server.injected[0]).toContain('"seq":9007199254740993')
  })

  it('checks tuples first: the error names row, field and type, and nothing is sent', async () => {
    await using server = await startDataDouble()
    await using data = open(server.url)
    const endpoint = await data.endpoint({ direction: 'inject' })
    const bad = [tuple(1), { ...tuple(2), checksum: -1 }, { seq: 'x', checksum: 0, home: 'north' }]
    const error: unknown = await data.inject(endpoint, bad).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(RecordError)
    expect((error as Error).message).toContain('row 2, field checksum: expected uint32, found -1')
    expect((error as Error).message).toContain('row 3, field seq: expected int64, found "x"')
    expect((error as Error).message).toContain('row 3, field home: expected one of "east", "west", found "north"')
    expect(server.injected).toEqual([])
  })

  it.each([
    [200, 'acknowledged'],
    [201, 'acknowledged'],
    [204, 'acknowledged'],
    [400, 'refused'],
    [401, 'refused'],
    [403, 'refused'],
    [404, 'refused'],
    [409, 'refused'],
    [413, 'refused'],
    [415, 'refused'],
    [429, 'refused'],
    [408, 'indeterminate'],
    [500, 'indeterminate'],
    [502, 'indeterminate'],
    [503, 'indeterminate'],
    [504, 'indeterminate'],
    [302, 'indeterminate'],
  ] as const)('status %i is %s, and sent once', async (status, outcome) => {
    await using server = await startServer((_, response) => {
      response
        .writeHead(status, status === 302 ? { location: 'http://127.0.0.1:1/' } : {})
        .end(status === 204 ? undefined : '{}')
    })
    await using data = open(server.url)
    expect(await data.inject(endpointAt(`${server.url}/i`), [{}])).toMatchObject({ outcome, status })
    expect(server.requests).toHaveLength(1)
  })

  it('a web page with status 200 is no acknowledgement', async () => {
    await using server = await startServer((_, response) =>
      sendJson(response, '<html>login</html>', 200, { 'content-type': 'text/html' }),
    )
    await using data = open(server.url)
    expect(await data.inject(endpointAt(server.url), [{}])).toMatchObject({ outcome: 'indeterminate', status: 200 })
  })

  it('is refused where no connection came about', async () => {
    await using refusing = open(`http://127.0.0.1:${await freePort()}`)
    expect(await refusing.inject(endpointAt('/i'), [{}])).toMatchObject({ outcome: 'refused' })
    await using nameless = open('http://no-such-host.invalid')
    expect(await nameless.inject(endpointAt('/i'), [{}])).toMatchObject({ outcome: 'refused' })
    await using swallowing = await startTcp(() => {})
    await using slow = open(swallowing.url.replace('http', 'https'), { timeouts: { connect: '100ms' } })
    expect(await slow.inject(endpointAt('/i'), [{}], { within: '4s' })).toMatchObject({ outcome: 'refused' })
    const [ours, theirs] = await Promise.all([createAuthority('a'), createAuthority('b')])
    await using https = await startServer((_, response) => sendJson(response, {}), { tls: await issue(theirs) })
    await using wrong = open(https.url, { tls: { ca: ours.cert } })
    expect(await wrong.inject(endpointAt('/i'), [{}])).toMatchObject({ outcome: 'refused' })
    expect(https.requests).toEqual([])
  })

  it('is indeterminate where the answer never came', async () => {
    await using silent = await startServer(() => {})
    await using data = open(silent.url)
    const result = await data.inject(endpointAt('/i'), [{}], { within: '150ms' })
    expect(result).toMatchObject({ outcome: 'indeterminate' })
    expect(result.doneAt - result.sentAt).toBeLessThan(5000)
    await using cutting = await startServer(async (request) => {
      await readRequest(request)
      request.socket.resetAndDestroy()
    })
    await using cut = open(cutting.url)
    expect(await cut.inject(endpointAt('/i'), [{}])).toMatchObject({ outcome: 'indeterminate' })
    expect(cutting.requests).toHaveLength(1)
  })

  it('an aborted signal gives an outcome too', async () => {
    await using silent = await startServer(() => {})
    await using data = open(silent.url)
    expect(await data.inject(endpointAt('/i'), [{}], { signal: AbortSignal.abort() })).toMatchObject({
      outcome: 'refused',
    })
    const controller = new AbortController()
    const sent = data.inject(endpointAt('/i'), [{}], { signal: controller.signal })
    await eventually(
      async () => (silent.requests.length > 0 ? { done: true, value: 0 } : { done: false, seen: 'none' }),
      {
        within: '2s',
        every: '5ms',
        describe: 'the request',
      },
    )
    controller.abort()
    expect(await sent).toMatchObject({ outcome: 'indeterminate' })
  })

  it('tells what the service asked to wait', async () => {
    await using server = await startServer((_, response) => sendJson(response, '', 429, { 'retry-after': '2' }))
    await using data = open(server.url)
    expect(await data.inject(endpointAt('/i'), [{}])).toMatchObject({ outcome: 'refused', retryAfterMs: 2000 })
  })
})

describe('read', () => {
  it('returns tuples with their integers whole, the instants around the call, and what was dropped', async () => {
    await using server = await startDataDouble({
      onRead: (url, response) =>
        sendJson(
          response,
          `{"items":[{"seq":9007199254740993}],"droppedTuples":500,"warnings":["older tuples were dropped"],"asked":"${url.search}"}`,
        ),
    })
    await using data = open(server.url)
    const endpoint = await data.endpoint({ direction: 'inspect' })
    const result = await data.read(endpoint, { max: 10, since: 1700000000000 })
    expect(result.items).toEqual([{ seq: 9007199254740993n }])
    expect(result).toMatchObject({ dropped: 500, warning: 'older tuples were dropped' })
    expect(result.answered).toBeGreaterThan(result.asked)
    expect(server.requests.at(-1)).toContain('?max=10&since=1700000000000')
  })

  it('is not repeated once it may have taken tuples, but is where there was no connection', async () => {
    await using server = await startServer((request) => request.socket.destroy())
    await using data = open(server.url)
    await expect(data.read(endpointAt('/r', 'inspect'))).rejects.toMatchObject({ kind: 'reset', mayHaveReached: true })
    expect(server.requests).toHaveLength(1)
    const port = await freePort()
    await using late = open(`http://127.0.0.1:${port}`, { retry: { attempts: 300, base: '5ms', cap: '5ms' } })
    const reading = late.read(endpointAt('/r', 'inspect'))
    await using started = await startServer((_, response) => sendJson(response, { items: [] }), { port })
    expect((await reading).items).toEqual([])
    expect(started.requests).toHaveLength(1)
  })

  it('an endpoint that is gone, credentials that are wrong, an answer without tuples', async () => {
    await using server = await startServer((request, response) =>
      sendJson(response, {}, request.url === '/gone' ? 404 : request.url === '/who' ? 401 : 200),
    )
    await using data = open(server.url)
    await expect(data.read(endpointAt('/gone', 'inspect'))).rejects.toBeInstanceOf(NotFoundError)
    const error: unknown = await data.read(endpointAt('/who', 'inspect')).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(UnauthorizedError)
    expect(String(error)).not.toContain(CANARY)
    await expect(data.read(endpointAt('/odd', 'inspect'))).rejects.toThrow(/items/)
  })
})

describe('vendor facts that turn out otherwise', () => {
  it('member names and the success code of an inject', async () => {
    const dialect = defineDialect({
      data: { items: 'tuples', acknowledged: [202], warnings: 'notes', dropped: 'lost' },
    })
    await using server = await startDataDouble({
      items: 'tuples',
      onInject: (_, response) => sendJson(response, {}, 202),
      onRead: (_, response) => sendJson(response, { tuples: [{ seq: 1 }], lost: 3, notes: 'gone' }),
    })
    await using data = open(server.url, { dialect })
    const ingest = await data.endpoint({ direction: 'inject' })
    expect(ingest.schema?.fields).toHaveLength(4)
    expect((await data.inject(ingest, [tuple(1)])).outcome).toBe('acknowledged')
    const results = await data.endpoint({ direction: 'inspect' })
    expect(await data.read(results)).toMatchObject({ items: [{ seq: 1 }], dropped: 3, warning: 'gone' })
    await using strict = open(server.url, {
      dialect: defineDialect({ data: { items: 'tuples', acknowledged: [200] } }),
    })
    expect((await strict.inject(ingest, [tuple(1)])).outcome).toBe('indeterminate')
  })
})

describe('for workers', () => {
  it('prepares all that a call needs, as cloneable data', async () => {
    const authority = await createAuthority('CA')
    let seen: string | undefined
    await using server = await startServer(
      (received, response) => {
        seen = received.headers.authorization
        sendJson(response, { items: [{ seq: 1 }], droppedTuples: 2 })
      },
      { tls: await issue(authority, { names: ['data.east'], ips: [] }) },
    )
    await using data = open(`https://localhost:${server.port}`, {
      tls: { ca: authority.cert, servername: 'data.east' },
    })
    const prepared = structuredClone(await data.prepare(endpointAt(`https://localhost:${server.port}/r`, 'inspect')))
    expect(prepared).toMatchObject({ method: 'GET', dc: 'east' })
    const agent = endpointAgent(prepared)
    const answer = await request(prepared.url, {
      method: prepared.method,
      headers: prepared.headers,
      dispatcher: agent,
    })
    expect(parseInspected(await answer.body.text(), prepared.rules)).toEqual({ items: [{ seq: 1 }], dropped: 2 })
    expect(seen).toMatch(/^Basic /)
    await agent.destroy()
    expect(injectOutcome(prepared.rules, 503, 'application/json', '{}')).toEqual({
      outcome: 'indeterminate',
      reason: 'status 503: {}',
    })
  })
})

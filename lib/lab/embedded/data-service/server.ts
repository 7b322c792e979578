import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { messageOf } from '../../../core/index.ts'
import { basicCheck, closeServer, httpsServer, readBody } from '../http.ts'
import type { Site } from '../site/site.ts'
import { Deliveries } from './deliveries.ts'
import { Endpoints, endpointPath, positionAt, remember, type Endpoint } from './endpoints.ts'
import { openApi } from './open-api.ts'
import { parseTuples } from './tuples.ts'

const LARGEST_BODY = 32 * 1024 * 1024
const ALL = Number.MAX_SAFE_INTEGER

/** The data service of an instance: lists jobs with endpoints, takes tuples in, and shows tuples that came out. */
export interface DataService {
  readonly server: Server
  close(): Promise<void>
}

/** Makes the data service; it does not listen yet. */
export function dataService(site: Site): DataService {
  const authorised = basicCheck(site.identity.username, site.identity.password)
  const endpoints = new Endpoints(site)
  const injectSuccess = site.boot.plan.dialect.injectSuccess ?? 200
  const server = httpsServer(site.boot.tls, (request, response) => {
    handle(request, response).catch((error: unknown) => refuse(response, 500, messageOf(error)))
  })

  const deliveries = new Deliveries(site.boot.readsAreConfirmed ?? false)

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    deliveries.asked(request)
    if (!authorised(request)) {
      response.setHeader('www-authenticate', 'Basic realm="streams"')
      return refuse(response, 401, 'The user name or the password is not valid.')
    }
    const url = request.url ?? '/'
    const mark = url.indexOf('?')
    const path = mark < 0 ? url : url.slice(0, mark)
    const endpoint = endpoints.at(path)
    if (endpoint) {
      if (endpoint.direction === 'inject' && request.method === 'POST') return inject(endpoint, request, response)
      if (endpoint.direction === 'inspect' && request.method === 'GET') {
        return inspect(endpoint, new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1)), response)
      }
      return refuse(response, 405, `${request.method} is not allowed for this endpoint.`)
    }
    const origin = `https://${request.headers.host ?? '127.0.0.1'}`
    if (request.method !== 'GET') return refuse(response, 404, `There is no endpoint at ${path}.`)
    if (path === '/') return answer(response, 200, { jobs: listing(origin) })
    const id = /^\/jobs\/(\d+)\/openapi\.json$/.exec(path)?.[1]
    const job = id === undefined ? undefined : site.jobs.get(id)
    if (!job) return refuse(response, 404, `There is no endpoint at ${path}.`)
    answer(response, 200, openApi(job, endpoints.of(job), origin, injectSuccess))
  }

  const listing = (origin: string): unknown[] =>
    [...site.jobs.values()]
      .filter((job) => job.bundle.endpoints.length > 0)
      .map((job) => ({
        jobId: job.stored.id,
        jobName: job.stored.name,
        openapi: { json: `${origin}/jobs/${job.stored.id}/openapi.json` },
        endpoints: endpoints.of(job).map((endpoint) => ({
          operator: endpoint.operator,
          port: endpoint.port,
          direction: endpoint.direction,
          http: `${origin}${endpointPath(endpoint)}`,
        })),
      }))

  const inject = async (endpoint: Endpoint, request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const contentType = request.headers['content-type'] ?? ''
    if (!contentType.startsWith('application/json'))
      return refuse(response, 415, `Not supported: ${contentType || '(none)'}`)
    let body: Buffer | undefined
    try {
      body = await readBody(request, LARGEST_BODY)
    } catch {
      return // The client went away before it had said all: nothing entered.
    }
    if (!body) return refuse(response, 413, 'The body is too long.')
    const tuples = parseTuples(body, endpoint.schema)
    if ('problem' in tuples) return refuse(response, 400, tuples.problem)
    const injection = await endpoint.connection.inject(endpoint.operator, endpoint.port, tuples.json)
    switch (injection.outcome) {
      case 'acknowledged':
        if (injectSuccess === 204) return void response.writeHead(204).end()
        return answer(response, injectSuccess, { accepted: tuples.count })
      case 'gone':
        return refuse(response, 404, `The processing element of ${endpoint.operator} is not running.`)
      case 'in-doubt':
        return refuse(response, 503, injection.message)
      case 'refused':
        return refuse(response, { 'not-owned': 409, invalid: 400, full: 429 }[injection.reason], injection.message)
    }
  }

  const inspect = async (endpoint: Endpoint, query: URLSearchParams, response: ServerResponse): Promise<void> => {
    const startTime = Number(query.get('startTime') ?? Number.NaN)
    const since = Number.isFinite(startTime) && !endpoint.consuming ? positionAt(endpoint, startTime) : undefined
    const max = Number(query.get('maxItems') ?? 0)
    const reading = await endpoint.connection.read(
      endpoint.operator,
      endpoint.port,
      since ?? 0,
      max >= 1 ? Math.floor(max) : ALL,
    )
    if (!reading) return refuse(response, 404, `The processing element of ${endpoint.operator} is not running.`)
    remember(endpoint, reading.next)
    const { told } = endpoint
    const launchCount = endpoint.job.operator(endpoint.operator)?.pe.stored.launchCount ?? 0
    if (told.launchCount !== launchCount || reading.dropped < told.dropped) endpoint.told = { launchCount, dropped: 0 }
    const droppedTuples =
      since === undefined ? reading.dropped - endpoint.told.dropped : Math.max(0, reading.dropped - since)
    const warnings = [`${droppedTuples} tuples were dropped from the buffer of ${endpoint.operator} unread.`]
    deliveries.delivered(response, () => {
      endpoint.told = { launchCount, dropped: reading.dropped }
      reading.taken()
    })
    answer(response, 200, {
      items: reading.items,
      ...(droppedTuples > 0 ? { warnings } : {}),
      droppedTuples,
      totalDroppedTuples: reading.dropped,
    })
  }

  return {
    server,
    async close() {
      endpoints.close()
      await closeServer(server)
    },
  }
}

function refuse(response: ServerResponse, status: number, message: string): void {
  if (response.headersSent || response.destroyed) return
  if (!response.req.complete) response.setHeader('connection', 'close')
  answer(response, status, { messages: [{ message }] })
}

function answer(response: ServerResponse, status: number, json: unknown): void {
  const body = Buffer.from(JSON.stringify(json))
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': body.length })
  response.end(body)
}

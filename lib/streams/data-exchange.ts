import { connectParameters, createAgent } from './agent.ts'
import { authorization } from './authorization.ts'
import { discover } from './discovery.ts'
import { ConflictError, NotFoundError } from './errors.ts'
import type {
  DataExchangeClient,
  DataExchangeOptions,
  Discovery,
  Endpoint,
  EndpointSelector,
  PreparedEndpoint,
} from './exchange.ts'
import { openTransport } from './http.ts'
import { injectBatch } from './inject.ts'
import { readEndpoint } from './inspect.ts'
import { endsWith } from './operators.ts'
import { until } from './wait.ts'
import type { Dispatcher } from 'undici'

/**
 * Opens a client of the data exchange service. Nothing is sent yet.
 * @example
 * await using data = openDataExchange({ dc: 'east', url, credentials, tls: { ca } })
 * const ingest = await data.endpoint({ operator: 'Ingest', direction: 'inject' })
 * const { outcome } = await data.inject(ingest, [{ seq: 1 }])
 * @throws ConfigurationError
 */
export function openDataExchange(options: DataExchangeOptions): DataExchangeClient {
  const transport = openTransport(options)
  const authorize = authorization(options.credentials)
  const { dc } = options

  const find = (discovery: Discovery, selector: EndpointSelector): Endpoint => {
    const all = discovery.jobs.flatMap((job) => job.endpoints)
    const found = all.filter((endpoint) => fits(endpoint, selector))
    const [only] = found
    if (only && found.length === 1) return only
    const context = { dc, method: 'GET', url: transport.exact }
    const wanted = Object.values(selector).join(' ')
    if (only) {
      throw new ConflictError(`${found.length} endpoints fit ${wanted}: ${found.map(describe).join(', ')}.`, {
        ...context,
        remedy: 'Name job, operator and port.',
      })
    }
    throw new NotFoundError(`there is no endpoint ${wanted}.`, {
      ...context,
      remedy: `There are: ${all.map(describe).join(', ') || 'none; the job may not run, or have no Endpoint operators'}.`,
    })
  }

  return {
    dc,
    notices: transport.notices,
    get url() {
      return transport.base
    },
    discover: (call) => discover(transport, call),

    async endpoint(selector, call = {}) {
      const { within, ...rest } = call
      const job = selector.job === undefined ? {} : { job: selector.job }
      if (within === undefined) return find(await discover(transport, { ...rest, ...job }), selector)
      let last: Discovery = { jobs: [] }
      const fitting = await until(
        async (signal) => {
          last = await discover(transport, { signal, attempts: 1, ...job })
          return last.jobs.flatMap((one) => one.endpoints).filter((endpoint) => fits(endpoint, selector))
        },
        {
          within,
          signal: call.signal,
          describe: `endpoint ${Object.values(selector).join(' ')} of ${dc}`,
          done: (found) => found.length > 0,
          seen: () =>
            `endpoints: ${
              last.jobs
                .flatMap((one) => one.endpoints)
                .map(describe)
                .join(', ') || 'none'
            }`,
        },
      )
      return find({ jobs: [{ name: '', id: '', endpoints: fitting }] }, selector)
    },

    inject: (endpoint, items, call) => injectBatch(transport, endpoint, items, call),
    read: (endpoint, call) => readEndpoint(transport, endpoint, call),

    async prepare(endpoint, call = {}): Promise<PreparedEndpoint> {
      const method = endpoint.direction === 'inject' ? 'POST' : 'GET'
      const signal = call.signal ?? new AbortController().signal
      const { acknowledged, refused, items, warnings, dropped } = transport.dialect.data
      return {
        dc,
        endpoint,
        method,
        url: endpoint.url,
        headers: {
          accept: 'application/json',
          ...(method === 'POST' ? { 'content-type': 'application/json' } : {}),
          ...(await authorize({ method, url: endpoint.url, again: false, signal })),
        },
        connect: connectParameters(options),
        rules: { acknowledged, refused, items, warnings, dropped },
        ...(options.proxy === undefined ? {} : { proxy: options.proxy }),
      }
    },
    [Symbol.asyncDispose]: () => transport[Symbol.asyncDispose](),
  }
}

/** The connections for a prepared endpoint, for workers: with its CA pinned and its name checked. Destroy it at the end. */
export function endpointAgent(prepared: PreparedEndpoint, connections = 4): Dispatcher {
  return createAgent(prepared.connect, connections, prepared.proxy)
}

function fits(endpoint: Endpoint, selector: EndpointSelector): boolean {
  return (
    endpoint.direction === selector.direction &&
    (selector.job === undefined || endpoint.job === selector.job || endpoint.jobId === selector.job) &&
    (selector.operator === undefined || endsWith(endpoint.operator, selector.operator)) &&
    (selector.port === undefined || endpoint.port === selector.port)
  )
}

function describe(endpoint: Endpoint): string {
  return `${endpoint.direction} ${endpoint.job}/${endpoint.operator}:${endpoint.port}`
}

import { TimeoutError, type Duration } from '../core/index.ts'
import { openDataExchange, type CallOptions, type DataExchangeClient, type PreparedEndpoint } from '../streams/index.ts'
import type { Endpoint } from './endpoint.ts'
import type { TrafficDc } from './types.ts'

/** Where one data centre's tuples go in and come out. */
export interface DcEndpoints {
  readonly inject: Endpoint
  readonly inspect: Endpoint
}

/** How to look for endpoints. */
export interface FindOptions {
  /** Wait for them to appear; without it they are there or not. */
  readonly wait?: Duration
  readonly signal?: AbortSignal
  /** Tries of each call. */
  readonly attempts?: number
}

/** Finds the endpoints of one data centre, as often as they move. */
export interface EndpointFinder extends AsyncDisposable {
  /** @throws what the client of the data service throws: unreachable, unauthorised, not found … */
  find(options?: FindOptions): Promise<DcEndpoints>
}

/** A finder; it connects when it is first asked. */
export function endpointFinder(dc: TrafficDc): EndpointFinder {
  if ('prepared' in dc) {
    return { find: () => Promise.resolve(dc.prepared), [Symbol.asyncDispose]: () => Promise.resolve() }
  }
  const { inject, inspect } = dc.endpoints
  const job = dc.endpoints.job === undefined ? {} : { job: dc.endpoints.job }
  let client: DataExchangeClient | undefined
  const lookUp = async (call: CallOptions): Promise<DcEndpoints> => {
    client ??= openDataExchange(dc.data)
    const [into, out] = await Promise.all([
      client.endpoint({ ...job, operator: inject, direction: 'inject' }, call),
      client.endpoint({ ...job, operator: inspect, direction: 'inspect' }, call),
    ])
    return { inject: plain(await client.prepare(into, call)), inspect: plain(await client.prepare(out, call)) }
  }
  return {
    async find({ wait, ...call } = {}) {
      if (wait !== undefined) {
        try {
          return await lookUp({ ...call, within: wait })
        } catch (error) {
          if (!(error instanceof TimeoutError)) throw error
          // Asked without waiting, the client says what is missing and what there is instead.
        }
      }
      return lookUp(call)
    },
    async [Symbol.asyncDispose]() {
      await client?.[Symbol.asyncDispose]()
    },
  }
}

function plain(prepared: PreparedEndpoint): Endpoint {
  const { timeout: _timeout, ...tls } = prepared.connect
  return {
    url: prepared.url,
    headers: prepared.headers,
    tls,
    items: prepared.rules.items,
    acknowledged: prepared.rules.acknowledged,
    refused: prepared.rules.refused,
    warnings: prepared.rules.warnings,
    dropped: prepared.rules.dropped,
    maxParameter: prepared.endpoint.parameters.max,
  }
}

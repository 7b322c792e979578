import { buildConnector } from 'undici'
import { statusRules, type StatusRules } from './exchange.ts'
import type { Endpoint } from './endpoint.ts'

/** An endpoint made ready for requests. */
export interface HttpTarget {
  readonly endpoint: Endpoint
  readonly origin: string
  /** Path with the query of the endpoint's own URL. */
  readonly path: string
  readonly headers: string[]
  /** Shared by all connections to it, so that TLS sessions are resumed. */
  readonly connector: buildConnector.connector
  readonly rules: StatusRules
}

/** Prepares an endpoint. `connectMs` bounds TCP and TLS set-up. */
export function httpTarget(endpoint: Endpoint, connectMs: number, contentType?: string): HttpTarget {
  const url = new URL(endpoint.url)
  const headers: string[] = contentType === undefined ? [] : ['content-type', contentType]
  for (const [name, value] of Object.entries(endpoint.headers)) {
    if (name.toLowerCase() !== 'content-type') headers.push(name, value)
  }
  const tls = endpoint.tls ?? {}
  return {
    endpoint,
    origin: url.origin,
    path: `${url.pathname}${url.search}`,
    headers,
    rules: statusRules(endpoint),
    connector: buildConnector({
      timeout: connectMs,
      ...(tls.ca === undefined ? {} : { ca: tls.ca }),
      ...(tls.rejectUnauthorized === undefined ? {} : { rejectUnauthorized: tls.rejectUnauthorized }),
      ...(tls.cert === undefined ? {} : { cert: tls.cert }),
      ...(tls.key === undefined ? {} : { key: tls.key }),
      ...(tls.passphrase === undefined ? {} : { passphrase: tls.passphrase }),
      ...(tls.servername === undefined ? {} : { servername: tls.servername }),
    }),
  }
}

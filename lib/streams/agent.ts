import { Agent, buildConnector, EnvHttpProxyAgent, ProxyAgent, type Dispatcher } from 'undici'
import { reveal, toMs, type Duration, type Secret } from '../core/index.ts'
import type { ConnectionOptions } from './connection.ts'

/** TLS and timing of connections as plain data. */
export interface ConnectParameters {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  readonly passphrase?: string
  readonly servername?: string
  readonly rejectUnauthorized: boolean
  /** Milliseconds for TCP and TLS together. */
  readonly timeout: number
}

const CONNECT: Duration = '3s'

/** What the options say about connections. Secrets are in the clear in it. */
export function connectParameters(options: ConnectionOptions): ConnectParameters {
  const { tls = {}, credentials, timeouts } = options
  const certificate = 'certificate' in credentials ? credentials.certificate : undefined
  const cert = certificate?.cert ?? tls.cert
  const key = certificate?.key ?? tls.key
  return {
    ...(tls.ca === undefined ? {} : { ca: tls.ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key: plain(key) }),
    ...(certificate?.passphrase === undefined ? {} : { passphrase: reveal(certificate.passphrase) }),
    ...(tls.servername === undefined ? {} : { servername: tls.servername }),
    rejectUnauthorized: tls.rejectUnauthorized ?? true,
    timeout: toMs(timeouts?.connect ?? CONNECT),
  }
}

/**
 * The pool of connections of one data centre. Environment variables for proxies are ignored unless `proxy` says otherwise. Time
 * limits of answers are the caller's: undici's own are coarse.
 */
export function createAgent(parameters: ConnectParameters, connections: number, proxy?: string): Dispatcher {
  const limits = { headersTimeout: 0, bodyTimeout: 0, connections, pipelining: 1 }
  if (proxy !== undefined) {
    const tls = { ...parameters }
    return proxy === 'environment'
      ? new EnvHttpProxyAgent({ ...limits, connect: tls, requestTls: tls })
      : new ProxyAgent({ ...limits, uri: proxy, requestTls: tls })
  }
  const connect = buildConnector(parameters)
  const { servername } = parameters
  return new Agent({
    ...limits,
    // undici prefers the host of the URL over a configured name.
    connect: (target, callback) => connect(servername === undefined ? target : { ...target, servername }, callback),
  })
}

function plain(key: Secret | string): string {
  return typeof key === 'string' ? key : reveal(key)
}

import type { Duration, Secret } from '../core/index.ts'
import type { Dialect, Method } from './dialect.ts'

/**
 * How a client proves who it is: a password (HTTP Basic), a function that gives headers for each request (bearer tokens and the
 * like; asked again once when the server answers 401), or a client certificate.
 */
export type Credentials =
  | { readonly username: string; readonly password: Secret }
  | { readonly authorize: (request: AuthorizeRequest) => Record<string, string> | Promise<Record<string, string>> }
  | { readonly certificate: { readonly cert: string; readonly key: Secret | string; readonly passphrase?: Secret } }

/** What an `authorize` hook is told. */
export interface AuthorizeRequest {
  readonly method: Method
  readonly url: string
  /** True when the last headers were answered with 401. */
  readonly again: boolean
  readonly signal: AbortSignal
}

/** TLS of one data centre. */
export interface TlsOptions {
  /** PEM of the CA, or of the self-signed certificate. If given, nothing else is trusted. */
  readonly ca?: string
  /** Default true. False accepts any certificate and shows up in the client's notices. */
  readonly rejectUnauthorized?: boolean
  readonly cert?: string
  readonly key?: Secret | string
  /** The name that the certificate must carry, where it is not the host of the URL. */
  readonly servername?: string
}

/** How long things may take. */
export interface Timeouts {
  /** TCP and TLS set-up. Default 3s. */
  readonly connect?: Duration
  /** One try of a call, from asking for a connection to the last byte. Default 10s. */
  readonly attempt?: Duration
  /** A call with all its tries. Default 30s. */
  readonly call?: Duration
  /** Upload of a bundle and submission of a job, which answer when they are done. Default 10m. */
  readonly submit?: Duration
  /** Download of logs. Default 5m. */
  readonly download?: Duration
}

/** When a call that may safely be repeated is repeated: exponential backoff with full jitter. */
export interface RetryOptions {
  /** Tries in all. Default 4; 1 switches retries off. */
  readonly attempts?: number
  /** Upper bound of the first pause. Default 100ms. */
  readonly base?: Duration
  /** Upper bound of any pause. Default 2s. */
  readonly cap?: Duration
  /** A number in [0, 1) for the jitter. Default Math.random. */
  readonly random?: () => number
}

/** What every client of a data centre is told. */
export interface ConnectionOptions {
  /** Name of the data centre, for messages. */
  readonly dc: string
  /** Base URL, including the base path, without credentials. */
  readonly url: string
  readonly credentials: Credentials
  readonly tls?: TlsOptions
  readonly dialect?: Dialect
  readonly timeouts?: Timeouts
  readonly retry?: RetryOptions
  /**
   * Send links that name another host or port to the configured one. Default true: a server behind a relay, a proxy, NAT or a
   * changing port builds absolute URIs from its own idea of its address. Credentials never go anywhere else in either case:
   * with false, such a link is a {@link ForeignOriginError}.
   */
  readonly rewriteOrigin?: boolean
  /** Asked for the base URL after the service was unreachable, because with `rest.port=0` it moves at each restart. */
  readonly resolveUrl?: (signal: AbortSignal) => string | Promise<string>
  /** `environment` uses HTTPS_PROXY and friends, a URL that proxy. Default: none, whatever the environment says. */
  readonly proxy?: string
  /** Largest answer that is read, in bytes after decompression. Default 64 MiB. */
  readonly maxAnswerBytes?: number
  /** Most connections at once. Default 16. */
  readonly connections?: number
  /** Ends every call of the client. */
  readonly signal?: AbortSignal
  /** Told what the client worked around, e.g. a wrong base path. Also kept in `notices`. */
  readonly onNotice?: (text: string) => void
}

/** Options of any call. */
export interface CallOptions {
  /** Ends the call with an AbortedError. */
  readonly signal?: AbortSignal | undefined
  /** For the call with all its tries. */
  readonly within?: Duration | undefined
  /** Tries in all, over the client's own setting. Only calls that may safely be repeated are. */
  readonly attempts?: number | undefined
}

/** Options of a listing. */
export interface ListOptions extends CallOptions {
  /** Filters by property: several properties are ANDed, several values of one ORed. Applied on this side too. */
  readonly where?: Readonly<Record<string, string | readonly string[]>>
  /** Properties to ask for; the identifying ones are added. Others are missing from the elements. */
  readonly fields?: readonly string[]
  /** Properties of the collection to ask for; the ones that paging needs are added. */
  readonly listFields?: readonly string[]
  /** `asc.name`, `desc.id`. */
  readonly sort?: string
  /** Elements per request. Default: the server's own. */
  readonly pageSize?: number
}

import type { CallOptions, ConnectionOptions } from './connection.ts'
import type { DataDialect } from './dialect.ts'

/** Types of a tuple's attributes, as far as JSON and OpenAPI tell them apart. */
export type FieldType =
  | { readonly kind: 'boolean' }
  | { readonly kind: 'integer'; readonly bits: 8 | 16 | 32 | 64; readonly signed: boolean }
  | { readonly kind: 'number' }
  | { readonly kind: 'string'; readonly values?: readonly string[]; readonly maxLength?: number }
  | { readonly kind: 'list'; readonly of: FieldType }
  | { readonly kind: 'map'; readonly of: FieldType }
  | { readonly kind: 'tuple'; readonly fields: readonly Field[] }
  | { readonly kind: 'any' }

/** One attribute. An `optional` one may be null or missing. */
export interface Field {
  readonly name: string
  readonly type: FieldType
  readonly optional: boolean
}

/** Attributes of an endpoint's tuples, in order. */
export interface TupleSchema {
  readonly fields: readonly Field[]
}

/** A tuple as JSON: integers beyond 2^53 are bigints. */
export type Tuple = Readonly<Record<string, unknown>>

/** Where tuples go in (`inject`) or come out (`inspect`). Plain data. */
export interface Endpoint {
  readonly job: string
  readonly jobId: string
  readonly operator: string
  readonly port: number
  readonly direction: 'inject' | 'inspect'
  readonly url: string
  /** Where the service offers one. */
  readonly webSocketUrl?: string
  /** From the generated OpenAPI document; missing if that has no such path. */
  readonly schema?: TupleSchema
  /** Names of query parameters that limit the count and set the start of an inspect call. */
  readonly parameters: { readonly max: string; readonly since: string }
}

/** Jobs that exchange data. */
export interface Discovery {
  readonly jobs: readonly { readonly name: string; readonly id: string; readonly endpoints: readonly Endpoint[] }[]
}

/** Which endpoint. What is left out must not be needed to tell them apart. */
export interface EndpointSelector {
  readonly job?: string
  /** Full name, or its last part after `.` or `::`. */
  readonly operator?: string
  readonly port?: number
  readonly direction: 'inject' | 'inspect'
}

/**
 * What became of a batch. `refused`: it is certain that no tuple entered. `indeterminate`: some or all may have. Instants are
 * monotonic milliseconds.
 */
export interface InjectResult {
  readonly outcome: 'acknowledged' | 'refused' | 'indeterminate'
  readonly status?: number
  /** One line, without secrets. */
  readonly reason: string
  readonly sentAt: number
  readonly doneAt: number
  /** Milliseconds that the service asked to wait (429, 503). */
  readonly retryAfterMs?: number
}

/** What a reader got. */
export interface ReadResult {
  readonly items: readonly Tuple[]
  /** Monotonic milliseconds: request sent, answer complete. */
  readonly asked: number
  readonly answered: number
  /** How many tuples the buffer dropped before they were read, by the service's own count. */
  readonly dropped?: number
  readonly warning?: string
}

/**
 * All that a worker needs to call an endpoint by itself: plain, cloneable data. Holds the secret in the clear, so it must not be
 * stored or printed.
 */
export interface PreparedEndpoint {
  readonly dc: string
  readonly endpoint: Endpoint
  readonly method: 'GET' | 'POST'
  readonly url: string
  /** With authorization and content type. */
  readonly headers: Readonly<Record<string, string>>
  /** For `new Agent({ connect })` of undici. */
  readonly connect: {
    readonly ca?: string
    readonly cert?: string
    readonly key?: string
    readonly passphrase?: string
    readonly servername?: string
    readonly rejectUnauthorized: boolean
    readonly timeout: number
  }
  readonly proxy?: string
  readonly rules: Pick<DataDialect, 'acknowledged' | 'refused' | 'items' | 'warnings' | 'dropped'>
}

/** Options of {@link DataExchangeClient}s: `url` is the data service's own top-level URL. */
export type DataExchangeOptions = ConnectionOptions

/** Options of an inject call. */
export interface InjectOptions extends CallOptions {
  /** Check the tuples against the endpoint's schema before anything is sent. Default true. */
  readonly validate?: boolean
}

/** Options of a read. */
export interface ReadOptions extends CallOptions {
  readonly max?: number
  /** Start of the read in the service's own terms (epoch milliseconds by default). */
  readonly since?: number | bigint
}

/** A client of the data exchange service of one instance. */
export interface DataExchangeClient extends AsyncDisposable {
  readonly dc: string
  readonly url: string
  readonly notices: readonly string[]
  /** Reads the listing and the OpenAPI documents anew. */
  discover(options?: CallOptions & { readonly job?: string }): Promise<Discovery>
  /**
   * The endpoint that fits. With `within`, waits for it: endpoints appear a little after their job.
   * @throws NotFoundError that lists the endpoints there are, ConflictError if several fit
   */
  endpoint(selector: EndpointSelector, options?: CallOptions): Promise<Endpoint>
  /**
   * Sends one batch, once. Network failures are outcomes, not errors.
   * @throws RecordError for tuples that do not fit the schema (nothing was sent)
   */
  inject(endpoint: Endpoint, items: readonly Tuple[], options?: InjectOptions): Promise<InjectResult>
  /** Reads what the buffer holds. Not repeated after a lost answer, because consuming reads take the tuples away. */
  read(endpoint: Endpoint, options?: ReadOptions): Promise<ReadResult>
  prepare(endpoint: Endpoint, options?: CallOptions): Promise<PreparedEndpoint>
  /** Ends all calls and connections at once. */
  [Symbol.asyncDispose](): Promise<void>
}

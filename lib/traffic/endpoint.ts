/** How a worker reaches an endpoint of a data service: plain data, so that it can be posted to a thread. Holds secrets. */
export interface Endpoint {
  readonly url: string
  /** Headers of every request, authorisation included. */
  readonly headers: Readonly<Record<string, string>>
  readonly tls?: EndpointTls
  /** Member of bodies and answers that holds the tuples. Default `items`. */
  readonly items?: string
  /** Status codes that say: all tuples entered. Default: any 2xx. */
  readonly acknowledged?: readonly number[]
  /** Status codes that say: no tuple entered. Default: 400, 401, 403, 404, 405, 409, 411, 413, 415, 422, 429. */
  readonly refused?: readonly number[]
  /** Query parameter that limits a read. Default `maxItems`. */
  readonly maxParameter?: string
  /** Members of a read's answer. Defaults `droppedTuples` and `warnings`. */
  readonly dropped?: string
  readonly warnings?: string
}

/** TLS of an endpoint. */
export interface EndpointTls {
  readonly ca?: string
  readonly rejectUnauthorized?: boolean
  readonly cert?: string
  readonly key?: string
  readonly passphrase?: string
  readonly servername?: string
}

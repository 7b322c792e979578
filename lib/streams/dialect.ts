import { ConfigurationError } from '../core/index.ts'

/** HTTP methods that the clients use. */
export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** A call on an element: where (`''` is the element's own URI, `'actions'` a path below it, `link:x` the URI in property x) and what. */
export interface DialectCall {
  readonly method: Exclude<Method, 'GET' | 'HEAD'>
  readonly target: string
  readonly body?: Readonly<Record<string, unknown>>
}

/** Names of the data service's listing, of its query parameters and of its answers. */
export interface DataDialect {
  /** The listing: array of jobs, and in each job its id, name, OpenAPI link (a path of property names) and endpoints. */
  readonly jobs: string
  readonly jobId: string
  readonly jobName: string
  readonly openapi: readonly string[]
  readonly endpoints: string
  /** In an endpoint: operator, port, direction with its two values, HTTP and WebSocket URIs. */
  readonly operator: string
  readonly port: string
  readonly direction: string
  readonly inject: string
  readonly inspect: string
  readonly http: string
  readonly webSocket: string
  /** Member that holds tuples, in both directions. */
  readonly items: string
  /** Query parameters of an inspect call, by preference: the first that the OpenAPI document names is used, else the first. */
  readonly maxParameter: readonly string[]
  readonly sinceParameter: readonly string[]
  /** Members of an inspect answer: list (or text) of warnings, and the count of tuples that the buffer dropped unread. */
  readonly warnings: string
  readonly dropped: string
  /** Status codes of an inject call that say: all tuples entered. Empty means any 2xx. */
  readonly acknowledged: readonly number[]
  /** Status codes of an inject call that say: no tuple entered. Any other code is indeterminate. */
  readonly refused: readonly number[]
}

/**
 * Every vendor fact about the REST interfaces that nobody has confirmed on a running 7.2 system, in one table. Replace entries
 * with {@link defineDialect} once a capture says otherwise; no other code names them.
 */
export interface Dialect {
  readonly name: string
  /** Base paths to try, in this order, when the configured one answers 404 or no root resource. */
  readonly basePaths: readonly string[]
  /** Path of the directory of resources below the base path. */
  readonly rootPath: string
  /** Names of entries in the directory. */
  readonly roots: { readonly domains: string; readonly instances: string }
  /** Where error bodies hold their messages: `messages` is the wrapped form; both are always understood. */
  readonly errors: {
    readonly list: string
    readonly id: string
    readonly message: string
    /** Message ids that mean "instance is not started", whatever the status code. */
    readonly instanceNotStarted: readonly string[]
    /** Message ids that mean "already in the asked state". */
    readonly alreadyDone: readonly string[]
  }
  readonly contentTypes: { readonly bundle: string; readonly archive: string; readonly text: string }
  /** Names in the upload answer and the submit body. */
  readonly submit: {
    readonly bundleId: string
    /** Prefix that a bundle id must carry when it is submitted; added when missing. */
    readonly bundleIdPrefix: string
    readonly application: string
    readonly overlay: string
    readonly overlays: string
  }
  /** Property names of the links on an element. */
  readonly links: {
    readonly jobsMetricsSnapshot: string
    readonly jobMetricsSnapshot: string
    readonly jobArchive: string
    readonly applicationTrace: string
    readonly consoleLog: string
    readonly productLog: string
    readonly applicationConfigurations: string
    readonly applicationBundles: string
  }
  /** Path below an instance where there is no link of the name above. */
  readonly paths: { readonly applicationBundles: string; readonly applicationConfigurations: string }
  readonly calls: {
    readonly startInstance: DialectCall
    readonly stopInstance: DialectCall
    readonly stopPe: DialectCall
    readonly startPe: DialectCall
    readonly restartPe: DialectCall
    readonly quiesceHost: DialectCall
    readonly resumeHost: DialectCall
  }
  readonly snapshot: {
    readonly jobs: string
    readonly pes: string
    readonly operators: string
    readonly metrics: string
    readonly inputPorts: string
    readonly outputPorts: string
    readonly portIndex: string
    readonly retrieved: string
  }
  readonly data: DataDialect
}

/**
 * What the clients assume of a Streams 7.2 system until told otherwise. Sources: the vendor's published pages where they speak,
 * clients of the 5.x line where those are silent, this project's decisions where nothing is known.
 */
export const defaultDialect: Dialect = freeze({
  name: 'default',
  basePaths: ['/streams', '/streams/rest'],
  rootPath: 'resources',
  roots: { domains: 'domains', instances: 'instances' },
  errors: {
    list: 'messages',
    id: 'id',
    message: 'message',
    instanceNotStarted: ['CDISA5072E'],
    alreadyDone: ['CDISA5073E'],
  },
  contentTypes: { bundle: 'application/x-jar', archive: 'application/x-compressed', text: 'text/plain' },
  submit: {
    bundleId: 'bundleId',
    bundleIdPrefix: 'bundleId:',
    application: 'application',
    overlay: 'jobConfigurationOverlay',
    overlays: 'jobConfigOverlays',
  },
  links: {
    jobsMetricsSnapshot: 'jobsMetricsSnapshot',
    jobMetricsSnapshot: 'metricsSnapshot',
    jobArchive: 'applicationLogTrace',
    applicationTrace: 'applicationTrace',
    consoleLog: 'consoleLog',
    productLog: 'productLog',
    applicationConfigurations: 'applicationConfigurations',
    applicationBundles: 'applicationBundles',
  },
  paths: { applicationBundles: 'applicationbundles', applicationConfigurations: 'applicationconfigurations' },
  calls: {
    startInstance: { method: 'PATCH', target: '', body: { state: 'started' } },
    stopInstance: { method: 'PATCH', target: '', body: { state: 'stopped' } },
    stopPe: { method: 'PATCH', target: '', body: { state: 'stopped' } },
    startPe: { method: 'PATCH', target: '', body: { state: 'started' } },
    restartPe: { method: 'POST', target: 'actions', body: { type: 'restart' } },
    quiesceHost: { method: 'POST', target: 'actions', body: { type: 'quiesce' } },
    resumeHost: { method: 'POST', target: 'actions', body: { type: 'resume' } },
  },
  snapshot: {
    jobs: 'jobs',
    pes: 'pes',
    operators: 'operators',
    metrics: 'metrics',
    inputPorts: 'inputPorts',
    outputPorts: 'outputPorts',
    portIndex: 'indexWithinOperator',
    retrieved: 'lastTimeRetrieved',
  },
  data: {
    jobs: 'jobs',
    jobId: 'jobId',
    jobName: 'jobName',
    openapi: ['openapi', 'json'],
    endpoints: 'endpoints',
    operator: 'operator',
    port: 'port',
    direction: 'direction',
    inject: 'inject',
    inspect: 'inspect',
    http: 'http',
    webSocket: 'webSocket',
    items: 'items',
    maxParameter: ['maxItems', 'max', 'count', 'limit'],
    sinceParameter: ['startTime', 'since', 'from'],
    warnings: 'warnings',
    dropped: 'droppedTuples',
    acknowledged: [],
    refused: [400, 401, 403, 404, 405, 409, 411, 413, 415, 422, 429],
  },
})

/** A {@link Dialect} in which every part may be left out. Lists are replaced as a whole. */
export type DialectOverrides = DeepPartial<Dialect>

/**
 * The default dialect with some facts replaced. Keys that the table does not know are refused: a misspelt fact would otherwise
 * silently leave the default in force.
 * @example
 * const dialect = defineDialect({ name: 'site-capture', data: { items: 'tuples', acknowledged: [204] } })
 * @throws ConfigurationError
 */
export function defineDialect(overrides: DialectOverrides, base: Dialect = defaultDialect): Dialect {
  return freeze(merge(base, overrides, 'dialect') as Dialect)
}

type DeepPartial<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { readonly [K in keyof T]?: DeepPartial<T[K]> }
    : T

function merge(base: unknown, over: unknown, path: string): unknown {
  if (over === undefined) return base
  if (!isRecord(base) || path.endsWith('.body')) return over
  if (!isRecord(over)) {
    throw new ConfigurationError(`${path} must be an object of facts.`, {
      remedy: 'See the interface Dialect for its keys.',
    })
  }
  const result: Record<string, unknown> = { ...base }
  for (const [key, value] of Object.entries(over)) {
    if (!(key in base)) {
      throw new ConfigurationError(`${path} has no fact named ${JSON.stringify(key)}.`, {
        remedy: `Known there: ${Object.keys(base).join(', ')}.`,
      })
    }
    result[key] = merge(base[key], value, `${path}.${key}`)
  }
  return result
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    for (const part of Object.values(value)) freeze(part)
    Object.freeze(value)
  }
  return value
}

import type { Duration } from '../core/index.ts'
import type { CallOptions, ConnectionOptions, ListOptions } from './connection.ts'
import type {
  Allocation,
  ApplicationConfiguration,
  Domain,
  Host,
  Instance,
  Job,
  Metric,
  Operator,
  OperatorConnection,
  Pe,
  PeConnection,
  Port,
  Root,
  Service,
  StreamLink,
  View,
  ViewItem,
} from './elements.ts'

/** Options of {@link ManagementClient}s. */
export interface ManagementOptions extends ConnectionOptions {
  /** Id of the instance to work with. May be left out where the user sees exactly one. */
  readonly instance?: string
}

/**
 * A listing: await it for an array, or walk it with `for await`, which asks for one page at a time. Nothing is asked before.
 */
export interface Listing<T> extends PromiseLike<T[]>, AsyncIterable<T> {}

/** An element, or its id. With an element its own URI is used, with an id it is looked up first. */
export type Ref = string | { readonly id: string; readonly self: string }

/** An operator, by element or by name (of the job in question). */
export type OperatorRef = {
  readonly self: string
  readonly inputPorts?: string | null | undefined
  readonly outputPorts?: string | null | undefined
}

/** Options of calls that change a state and wait until it shows. */
export interface ChangeOptions extends CallOptions {
  /** False: return once the server took the call. Default true. */
  readonly wait?: boolean
}

/** What to submit. */
export interface SubmitOptions extends CallOptions {
  /** Path of a bundle file, its bytes, the id of an uploaded one, or an https URL from which the server fetches it. */
  readonly bundle: string | Uint8Array | { readonly bundleId: string } | { readonly url: string }
  /** Unique name of the job. Without one a submit whose answer was lost cannot be tried again, and is an error. */
  readonly name?: string
  readonly parameters?: Readonly<Record<string, string>>
  /** A job configuration overlay (the document with `jobConfigOverlays`); name and parameters are laid over it. */
  readonly overlay?: Readonly<Record<string, unknown>>
  /** What to do when a job of that name is there already. Default `fail`, with a ConflictError. */
  readonly ifExists?: 'fail' | 'reuse'
}

/** Options of {@link ManagementClient.waitHealthy}. */
export interface WaitOptions {
  readonly within: Duration
  readonly every?: Duration
  readonly signal?: AbortSignal | undefined
  readonly onAttempt?: (seen: string, elapsedMs: number) => void
}

/** Metrics of one port. */
export interface PortMetrics {
  readonly index: number
  readonly metrics: readonly Metric[]
}

/** All metrics of an instance or job, read at once. */
export interface MetricsSnapshot {
  /** Monotonic instants (ms) of the first request and the last answer. */
  readonly asked: number
  readonly answered: number
  /** When the server collected them: its own clock, for telling collections apart. The newest, if there are several. */
  readonly lastTimeRetrieved: number | undefined
  /** `snapshot`: one answer. `walk`: element by element, because the server offers no snapshot. */
  readonly source: 'snapshot' | 'walk'
  readonly jobs: readonly {
    readonly id: string
    readonly name?: string | undefined
    readonly pes: readonly {
      readonly id: string
      readonly launchCount?: number | undefined
      readonly status?: Pe['status'] | undefined
      readonly statusReason?: Pe['statusReason'] | undefined
      readonly health?: Pe['health'] | undefined
      readonly processId?: string | undefined
      readonly metrics: readonly Metric[]
      readonly operators: readonly {
        readonly name: string
        readonly metrics: readonly Metric[]
        readonly inputPorts: readonly PortMetrics[]
        readonly outputPorts: readonly PortMetrics[]
      }[]
    }[]
  }[]
}

/** Calls on application configurations. */
export interface ApplicationConfigurations {
  list(options?: ListOptions): Listing<ApplicationConfiguration>
  get(name: string, options?: CallOptions): Promise<ApplicationConfiguration>
  create(
    configuration: {
      readonly name: string
      readonly description?: string
      readonly properties: Readonly<Record<string, string>>
    },
    options?: CallOptions,
  ): Promise<ApplicationConfiguration>
  /** Lays properties over those that are there; null deletes one. */
  patch(
    name: string,
    properties: Readonly<Record<string, string | null>>,
    options?: CallOptions,
  ): Promise<ApplicationConfiguration>
  /** `gone` if there was none. */
  delete(name: string, options?: CallOptions): Promise<'deleted' | 'gone'>
}

/**
 * A client of the REST management API of one data centre. It starts at `{base}/resources` and follows the URIs that elements
 * carry. Every call ends by its deadline or signal; every failure is a {@link StreamsError}, an AbortedError or (for waits) a
 * TimeoutError.
 */
export interface ManagementClient extends AsyncDisposable {
  readonly dc: string
  /** The base URL in use: differs from the configured one after a wrong base path or a moved service, as `notices` tell. */
  readonly url: string
  readonly notices: readonly string[]

  root(options?: CallOptions): Promise<Root>
  domains(options?: ListOptions): Listing<Domain>
  domain(id?: string, options?: CallOptions): Promise<Domain>
  instances(options?: ListOptions): Listing<Instance>
  /** By default the configured instance; always asked anew. */
  instance(id?: string, options?: CallOptions): Promise<Instance>
  startInstance(options?: ChangeOptions): Promise<Instance>
  stopInstance(options?: ChangeOptions): Promise<Instance>

  hosts(options?: ListOptions): Listing<Host>
  allocations(options?: ListOptions): Listing<Allocation>
  services(options?: ListOptions): Listing<Service>
  quiesceHost(host: Ref, options?: ChangeOptions): Promise<Host>
  resumeHost(host: Ref, options?: ChangeOptions): Promise<Host>

  jobs(options?: ListOptions & { readonly name?: string }): Listing<Job>
  job(job: Ref, options?: CallOptions): Promise<Job>
  /** The job of that name, or undefined. */
  findJob(name: string, options?: CallOptions): Promise<Job | undefined>
  /** @returns the bundle id */
  upload(bundle: string | Uint8Array, options?: CallOptions): Promise<string>
  submit(options: SubmitOptions): Promise<Job>
  waitHealthy(job: Ref, options: WaitOptions): Promise<Job>
  /** Applies an overlay to a running job. */
  patchJob(
    job: Ref,
    overlay: Readonly<Record<string, unknown>>,
    options?: CallOptions,
  ): Promise<Record<string, unknown>>
  cancelJob(job: Ref, options?: CallOptions): Promise<'cancelled' | 'gone'>

  pes(options?: ListOptions & { readonly job?: Ref }): Listing<Pe>
  pe(pe: Ref, options?: CallOptions): Promise<Pe>
  stopPe(pe: Ref, options?: ChangeOptions): Promise<Pe>
  startPe(pe: Ref, options?: ChangeOptions): Promise<Pe>
  restartPe(pe: Ref, options?: ChangeOptions): Promise<Pe>

  operators(options?: ListOptions & { readonly job?: Ref }): Listing<Operator>
  /** @throws NotFoundError that lists the job's operators */
  operator(job: Ref, name: string, options?: CallOptions): Promise<Operator>
  inputPorts(operator: OperatorRef, options?: ListOptions): Listing<Port>
  outputPorts(operator: OperatorRef, options?: ListOptions): Listing<Port>
  peConnections(options?: ListOptions & { readonly job?: Ref }): Listing<PeConnection>
  operatorConnections(options?: ListOptions & { readonly job?: Ref }): Listing<OperatorConnection>
  exportedStreams(options?: ListOptions): Listing<StreamLink>
  importedStreams(options?: ListOptions): Listing<StreamLink>

  /** Metrics at a URI or of an element that has a `metrics` link; `name` asks for one. */
  metrics(
    of: string | { readonly metrics?: string | null | undefined },
    options?: ListOptions & { readonly name?: string },
  ): Listing<Metric>
  metricsSnapshot(options?: CallOptions & { readonly job?: Ref }): Promise<MetricsSnapshot>

  views(options?: ListOptions & { readonly job?: Ref }): Listing<View>
  viewItems(view: { readonly viewItems?: string | null | undefined }, options?: ListOptions): Listing<ViewItem>
  readonly applicationConfigurations: ApplicationConfigurations

  applicationTrace(of: Ref | Pe | Operator, options?: CallOptions): Promise<string>
  consoleLog(pe: Ref, options?: CallOptions): Promise<string>
  productLog(of: { readonly productLog?: string | null | undefined }, options?: CallOptions): Promise<string>
  /** A compressed archive of all logs and traces of a job, as bytes (tar.gz). */
  jobLogs(job: Ref, options?: CallOptions): Promise<Uint8Array>

  /** Ends all calls and connections at once. */
  [Symbol.asyncDispose](): Promise<void>
}

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TestServer } from './server.ts'

/** Members of an element. */
export type Properties = Record<string, unknown>

/** Ways in which a server may differ from the default dialect, and misbehave. */
export interface DoubleOptions {
  /** Where it is served. Default `/streams`. */
  readonly basePath?: string
  /** Host and port that its URIs name. Default: those of the request. */
  readonly origin?: string
  readonly spelling?: 'lowerCamel' | 'upperSnake'
  readonly errors?: 'wrapped' | 'flat'
  /** False: no links to snapshots of metrics. */
  readonly snapshots?: boolean
  /** Start and stop by `POST {element}/actions {"type": …}` instead of PATCH with a state. */
  readonly actions?: boolean
  /** Called before each request; true if it answered by itself. */
  readonly intercept?: (
    request: IncomingMessage,
    response: ServerResponse,
    double: RestDouble,
  ) => boolean | Promise<boolean>
}

/** A small REST service with one domain, one instance and whatever is submitted to it. */
export interface RestDouble extends TestServer {
  /** Base URL. */
  readonly base: string
  instanceStatus: string
  hostStatus: string
  readonly jobs: Map<
    string,
    {
      name: string
      status: string
      health: string
      pes: { id: string; status: string; launchCount: number }[]
      body: unknown
    }
  >
  readonly configurations: Map<string, Properties>
  submit(name: string, body?: unknown): string
}

/** Operators of every job, one in each PE. */
export const OPERATORS = ['Ingest', 'Logic', 'Results']
const LINKS = [
  'jobs',
  'pes',
  'operators',
  'peConnections',
  'operatorConnections',
  'resourceAllocations',
  'activeServices',
  'views',
  'exportedStreams',
  'importedStreams',
  'applicationConfigurations',
]

/** The elements of a double as they are now, with URIs below a root. */
export function describeElements(
  state: Pick<RestDouble, 'instanceStatus' | 'hostStatus' | 'jobs'>,
  options: DoubleOptions,
  root: string,
) {
  const home = `${root}/instances/inst`
  const spell = (value: string): string =>
    options.spelling === 'upperSnake' ? value.replace(/([A-Z])/g, '_$1').toUpperCase() : value
  const domain = {
    id: 'dom',
    restid: 'dom',
    self: `${root}/domains/dom`,
    resourceType: 'domain',
    status: spell('running'),
    instances: `${root}/instances`,
    resources: `${root}/domains/dom/resources`,
  }
  const instance = (): Properties => ({
    id: 'inst',
    restid: 'inst',
    self: home,
    resourceType: 'instance',
    status: spell(state.instanceStatus),
    health: spell('healthy'),
    domain: domain.self,
    extra: { kept: true },
    ...Object.fromEntries(LINKS.map((name) => [name, `${home}/${name.toLowerCase()}`])),
    ...(options.snapshots === false ? {} : { jobsMetricsSnapshot: `${home}/metricssnapshot` }),
  })
  const host = {
    id: 'h1',
    restid: 'h1',
    self: `${root}/domains/dom/resources/h1`,
    status: spell(state.hostStatus),
    displayName: 'host one',
  }
  const jobOf = (id: string): Properties => {
    const job = state.jobs.get(id)
    const self = `${home}/jobs/${id}`
    return {
      id,
      restid: id,
      self,
      resourceType: 'job',
      name: job?.name,
      status: spell(job?.status ?? ''),
      health: spell(job?.health ?? ''),
      pes: `${self}/pes`,
      operators: `${self}/operators`,
      views: `${self}/views`,
      applicationLogTrace: `${self}/applicationlogtrace`,
      ...(options.snapshots === false ? {} : { metricsSnapshot: `${self}/metricssnapshot` }),
    }
  }
  const pesOf = (id: string): Properties[] =>
    (state.jobs.get(id)?.pes ?? []).map((pe) => ({
      ...pe,
      self: `${home}/pes/${pe.id}`,
      status: spell(pe.status),
      statusReason: spell('none'),
      health: spell(pe.status === 'running' ? 'healthy' : 'unhealthy'),
      processId: 4711,
      metrics: `${home}/pes/${pe.id}/metrics`,
      applicationTrace: `${home}/pes/${pe.id}/trace`,
      consoleLog: `${home}/pes/${pe.id}/console`,
      job: `${home}/jobs/${id}`,
    }))
  const operatorsOf = (id: string): Properties[] =>
    OPERATORS.map((name, index) => {
      const self = `${home}/jobs/${id}/operators/${name}`
      return {
        name,
        self,
        operatorKind: 'x',
        pe: `${home}/pes/${id}${index}`,
        metrics: `${self}/metrics`,
        inputPorts: `${self}/inputports`,
        outputPorts: `${self}/outputports`,
      }
    })
  const metric = (name: string, value: number | string, more: Properties = {}): Properties => ({
    name,
    value,
    metricKind: spell('counter'),
    metricType: spell('system'),
    lastTimeRetrieved: 1000,
    ...more,
  })
  const snapshotOf = (id: string): Properties => ({
    id,
    pes: (state.jobs.get(id)?.pes ?? []).map((pe, index) => ({
      id: pe.id,
      launchCount: pe.launchCount,
      status: spell(pe.status),
      metrics: [metric('nCpuMilliseconds', 5)],
      operators: [
        {
          name: OPERATORS[index],
          metrics: [],
          inputPorts: [{ indexWithinOperator: 0, metrics: [metric('nTuplesProcessed', 42)] }],
          outputPorts: [],
        },
      ],
    })),
  })
  return { home, spell, domain, instance, host, jobOf, pesOf, operatorsOf, metric, snapshotOf }
}

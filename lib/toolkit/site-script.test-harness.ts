import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Secret } from '../core/index.ts'
import { openManagement, type ManagementClient } from '../streams/index.ts'

/** Port counters of the toolkit by `<operator>/<in|out>/<port>/<metric>`. */
export type ScriptedCounters = Readonly<Record<string, number>>

/** What a scripted management service answers to the next requests. */
export interface Script {
  /** Time of the collection; each answer gets a new one unless this is set. */
  stamp: number | undefined
  job: string | undefined
  pes: { id: string; status: string; launchCount: number; counters: ScriptedCounters | undefined }[]
  trace: string
  /** Answers with this instead. */
  failure: { status: number; body: unknown } | undefined
  /** Keeps requests waiting. */
  hangs: boolean
}

/** A management service that answers as scripted, over real HTTP, and a client of it. */
export interface ScriptedSite extends AsyncDisposable {
  readonly script: Script
  readonly management: ManagementClient
  /** Lets the server go, as a site that lost its power. */
  stop(): Promise<void>
}

/** Counters of a toolkit that has seen its peer `n` times come or go. */
export function counters(changes: Partial<Record<ShortName, number>> = {}): ScriptedCounters {
  const values = { ...ZERO, ...changes }
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [PLACES[name as ShortName], value]))
}

const PLACES = {
  status: 'RemoteDataCenterHeartbeatWatchdog/out/0/nTuplesSubmitted',
  ticks: 'HeartbeatSignalGenerator/out/0/nTuplesSubmitted',
  sent: 'HeartbeatMessagePreparer/out/0/nTuplesSubmitted',
  heard: 'CrossDataCenterReceiverForHB/out/0/nTuplesSubmitted',
  snapshots: 'CrossDataCenterReceiver[0]/out/0/nTuplesSubmitted',
  read: 'RemoteDataCenterWatchdog/out/0/nTuplesSubmitted',
  pieces: 'RemoteDCDataMerger/out/0/nTuplesSubmitted',
  handled: 'RemoteDataCenterWatchdog/in/1/nTuplesProcessed',
  special: 'HeartbeatMessagePreparer/in/2/nTuplesProcessed',
  control: 'HeartbeatMessagePreparer/out/1/nTuplesSubmitted',
} as const

type ShortName = keyof typeof PLACES

const ZERO: Readonly<Record<ShortName, number>> = {
  status: 0,
  ticks: 0,
  sent: 0,
  heard: 0,
  snapshots: 0,
  read: 0,
  pieces: 0,
  handled: 0,
  special: 0,
  control: 0,
}

/** Starts a scripted site. */
export async function scriptedSite(dc: string): Promise<ScriptedSite> {
  const script: Script = {
    stamp: undefined,
    job: 'app',
    pes: [{ id: '1', status: 'running', launchCount: 1, counters: counters() }],
    trace: '',
    failure: undefined,
    hangs: false,
  }
  let collections = 1_000_000
  const server = createServer((request, response) => {
    if (script.hangs) return
    const base = `http://${request.headers.host ?? ''}/streams`
    const path = new URL(request.url ?? '/', base).pathname
    const send = (status: number, body: unknown): void => {
      const text = typeof body === 'string' ? body : JSON.stringify(body)
      response
        .writeHead(status, { 'content-type': typeof body === 'string' ? 'text/plain' : 'application/json' })
        .end(text)
    }
    if (script.failure) return send(script.failure.status, script.failure.body)
    const instance = { id: 'i', restid: 'i', self: `${base}/instances/i`, resourceType: 'instance', status: 'running' }
    const links = { jobs: `${base}/jobs`, pes: `${base}/pes`, jobsMetricsSnapshot: `${base}/snapshot` }
    const job = { id: '7', self: `${base}/jobs/7`, name: script.job, status: 'running', pes: `${base}/pes` }
    const pes = script.pes.map(({ id, status, launchCount }) => ({
      id,
      status,
      launchCount,
      self: `${base}/pes/${id}`,
      applicationTrace: `${base}/trace`,
    }))
    switch (path) {
      case '/streams/resources':
        return send(200, { resources: [{ name: 'instances', resource: `${base}/instances` }], total: 1 })
      case '/streams/instances':
        return send(200, { instances: [{ ...instance, ...links }], total: 1 })
      case '/streams/instances/i':
        return send(200, { ...instance, ...links })
      case '/streams/jobs':
        return send(200, { jobs: script.job === undefined ? [] : [job], total: 1 })
      case '/streams/jobs/7':
        return send(200, job)
      case '/streams/pes':
        return send(200, { pes, total: pes.length })
      case '/streams/trace':
        return send(200, script.trace)
      case '/streams/snapshot':
        return send(200, snapshotOf(script, script.stamp ?? ++collections))
      default:
        return send(404, { messages: [{ message: `no ${path}` }] })
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const management = openManagement({
    dc,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/streams`,
    credentials: { username: 'u', password: new Secret('a password') },
    instance: 'i',
  })
  const stop = (): Promise<void> => stopServer(server)
  return {
    script,
    management,
    stop,
    async [Symbol.asyncDispose]() {
      await management[Symbol.asyncDispose]()
      await stop()
    },
  }
}

function snapshotOf({ job, pes }: Script, lastTimeRetrieved: number): unknown {
  if (job === undefined) return { jobs: [], lastTimeRetrieved }
  const listed = pes.map(({ id, status, launchCount, counters: values }) => ({
    id,
    status,
    launchCount,
    metrics: [],
    operators: operatorsOf(values ?? {}),
  }))
  return { jobs: [{ id: '7', pes: listed }], lastTimeRetrieved }
}

function operatorsOf(values: ScriptedCounters): unknown[] {
  return Object.entries(values).map(([place, value]) => {
    const [name, side, index, metric] = place.split('/')
    const port = { indexWithinOperator: Number(index), metrics: [{ name: metric, value }] }
    const empty = { inputPorts: [], outputPorts: [] }
    const own = side === 'in' ? { inputPorts: [port] } : { outputPorts: [port] }
    return { name: `CrossDCFailover.${name}`, metrics: [], ...empty, ...own }
  })
}

function stopServer(server: Server): Promise<void> {
  server.closeAllConnections()
  return new Promise((resolve) => server.close(() => resolve()))
}

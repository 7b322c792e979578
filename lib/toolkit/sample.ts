import type { MetricsSnapshot } from '../streams/index.ts'
import type { ToolkitCounters } from './view.ts'

/** One counter as one answer showed it. */
export interface CounterSample {
  readonly value: number
  /** The process life that counts: job, PE and launch. A new one begins at 0. */
  readonly life: string
  /** Which collection of the server this is from: its stamp, or, without one, what it holds. */
  readonly collection: string
}

/** One PE as one answer showed it. */
export interface PeSample {
  readonly id: string
  readonly status: string
  readonly launchCount: number | undefined
}

/** One answer of the management service, read for what the monitor needs. Pure data. */
export interface SiteSample {
  readonly asked: number
  readonly answered: number
  /** The application's job, if it is there. */
  readonly application: { readonly id: string; readonly pes: readonly PeSample[] } | undefined
  /** The job that holds the toolkit's operators: the application's own, or a passive watcher. */
  readonly toolkit: { readonly jobId: string; readonly pes: readonly PeSample[] } | undefined
  readonly counters: Readonly<Partial<Record<keyof ToolkitCounters, CounterSample>>>
}

/** What tells the toolkit's operators and the application's job from others. */
export interface SampleSelector {
  /** Name of the application's job. */
  readonly job: string
  /** Name under which the application invokes the failover composite. */
  readonly operatorPrefix: string
  /** Names of jobs by id, for servers whose snapshots carry none. */
  readonly names: ReadonlyMap<string, string>
}

type Snapshot = Pick<MetricsSnapshot, 'asked' | 'answered' | 'lastTimeRetrieved' | 'jobs'>
type PeSnapshot = MetricsSnapshot['jobs'][number]['pes'][number]
type Source = readonly [operator: string, side: 'in' | 'out', port: number, metric: string]

/** Where the counters are (toolkit reference §5 and §13.1). Several sources are added up. */
const SOURCES: Readonly<Record<keyof ToolkitCounters, readonly Source[]>> = {
  statusChanges: [['RemoteDataCenterHeartbeatWatchdog', 'out', 0, 'nTuplesSubmitted']],
  ticks: [['HeartbeatSignalGenerator', 'out', 0, 'nTuplesSubmitted']],
  heartbeatsSent: [['HeartbeatMessagePreparer', 'out', 0, 'nTuplesSubmitted']],
  heartbeatsReceived: [['CrossDataCenterReceiverForHB', 'out', 0, 'nTuplesSubmitted']],
  snapshotSignals: [['HeartbeatMessagePreparer', 'out', 2, 'nTuplesSubmitted']],
  snapshotsSent: [['CrossDataCenterSender2', 'in', 0, 'nTuplesProcessed']],
  snapshotsReceived: [['CrossDataCenterReceiver', 'out', 0, 'nTuplesSubmitted']],
  piecesRead: [
    ['RemoteDataCenterWatchdog', 'out', 0, 'nTuplesSubmitted'],
    ['SendSnapshotFilesData', 'out', 0, 'nTuplesSubmitted'],
  ],
  takeoverPieces: [['RemoteDCDataMerger', 'out', 0, 'nTuplesSubmitted']],
  statusHandled: [['RemoteDataCenterWatchdog', 'in', 1, 'nTuplesProcessed']],
  specialMessages: [['HeartbeatMessagePreparer', 'in', 2, 'nTuplesProcessed']],
  controlSent: [['HeartbeatMessagePreparer', 'out', 1, 'nTuplesSubmitted']],
  rejectedPosts: [
    ['CrossDataCenterSender1', 'out', 0, 'nTuplesSubmitted'],
    ['CrossDataCenterSender2', 'out', 0, 'nTuplesSubmitted'],
  ],
  queuedHeartbeats: [['CrossDataCenterSender1', 'in', 0, 'nTuplesQueued']],
}

/** The names of {@link ToolkitCounters}. */
export const counterNames = Object.keys(SOURCES) as readonly (keyof ToolkitCounters)[]

/** Reads a metrics snapshot. Parallel channels (`CrossDataCenterReceiver[0]`) are added up. What is missing stays undefined. */
export function readSample(snapshot: Snapshot, selector: SampleSelector): SiteSample {
  const own = `${selector.operatorPrefix}.`
  const holds = (pe: PeSnapshot): boolean => pe.operators.some(({ name }) => name.startsWith(own))
  const application = snapshot.jobs.find((job) => (job.name ?? selector.names.get(job.id)) === selector.job)
  const toolkit =
    application !== undefined && application.pes.some(holds)
      ? application
      : snapshot.jobs.find((job) => job.pes.some(holds))
  const ports = toolkit ? readPorts(toolkit, own, snapshot.lastTimeRetrieved) : new Map<string, CounterSample[]>()
  const counters: Partial<Record<keyof ToolkitCounters, CounterSample>> = {}
  for (const name of counterNames) {
    const parts = SOURCES[name].flatMap((source) => ports.get(source.join(' ')) ?? [])
    const sum = added(parts)
    if (sum) counters[name] = sum
  }
  return {
    asked: snapshot.asked,
    answered: snapshot.answered,
    application: application && { id: application.id, pes: application.pes.map(peSample) },
    toolkit: toolkit && { jobId: toolkit.id, pes: toolkit.pes.filter(holds).map(peSample) },
    counters,
  }
}

function readPorts(
  job: MetricsSnapshot['jobs'][number],
  own: string,
  collected: number | undefined,
): Map<string, CounterSample[]> {
  const ports = new Map<string, CounterSample[]>()
  for (const pe of job.pes) {
    const life = `${job.id}/${pe.id}/${pe.launchCount ?? '?'}/${pe.processId ?? '?'}`
    let content: string | undefined
    for (const operator of pe.operators) {
      if (!operator.name.startsWith(own)) continue
      const name = operator.name.slice(own.length).replace(/\[\d+\]$/, '')
      for (const [side, list] of [
        ['in', operator.inputPorts],
        ['out', operator.outputPorts],
      ] as const) {
        for (const { index, metrics } of list) {
          for (const metric of metrics) {
            const stamp = metric.lastTimeRetrieved ?? collected
            const collection = stamp === undefined ? (content ??= contentOf(pe)) : String(stamp)
            const key = [name, side, index, metric.name].join(' ')
            const sample = { value: Number(metric.value), life, collection }
            const known = ports.get(key)
            if (known) known.push(sample)
            else ports.set(key, [sample])
          }
        }
      }
    }
  }
  return ports
}

/** Without stamps, an answer that differs in anything is from another collection. */
function contentOf(pe: PeSnapshot): string {
  const values = (metrics: PeSnapshot['metrics']): string => metrics.map(({ value }) => String(value)).join()
  const operators = pe.operators.map(({ metrics, inputPorts, outputPorts }) =>
    [values(metrics), ...[...inputPorts, ...outputPorts].map((port) => values(port.metrics))].join(';'),
  )
  return [values(pe.metrics), ...operators].join('|')
}

function added(parts: readonly CounterSample[]): CounterSample | undefined {
  const [first, ...more] = parts
  if (!first || more.length === 0) return first
  return {
    value: parts.reduce((sum, part) => sum + part.value, 0),
    life: [...new Set(parts.map((part) => part.life))].join(),
    collection: [...new Set(parts.map((part) => part.collection))].join(),
  }
}

function peSample(pe: PeSnapshot): PeSample {
  return { id: pe.id, status: pe.status ?? 'unknown', launchCount: pe.launchCount }
}

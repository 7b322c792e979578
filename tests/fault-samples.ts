import { spawn } from 'node:child_process'
import {
  bandwidth,
  corruption,
  cpuPressure,
  dataCenterCrash,
  dataCenterIsolated,
  dataCenterShutdown,
  dataPathDead,
  dataServiceDown,
  diskFull,
  diskIo,
  duplication,
  faultKinds,
  fileDescriptors,
  flapping,
  heartbeatsForged,
  heartbeatsStale,
  highLatencyWithLoss,
  hostIsolation,
  hostQuiesced,
  instanceRestarted,
  instanceStopped,
  jobCancelled,
  latency,
  memoryPressure,
  networkPartition,
  oneWayPartition,
  orderlyShutdown,
  packetLoss,
  peHang,
  peKeptDown,
  peKill,
  peRestartLoop,
  peRestarted,
  peStopped,
  portBlock,
  processHang,
  processKeptDown,
  processKill,
  processRestartLoop,
  reordering,
  restSlow,
  restWrong,
  snapshotDirectory,
  type Fault,
} from '../lib/faults/index.ts'

/** Kinds that need packets, which the lab's relays do not carry, or the resources of a host that is not this machine. */
export const ON_PACKETS = kindsThat((needs) => needs)
/** Kinds that the embedded lab offers what they need. */
export const IN_THE_LAB = kindsThat((needs) => !needs)

function kindsThat(wanted: (needsHost: boolean) => boolean): readonly string[] {
  return faultKinds.flatMap(({ kind, capabilities }) => {
    const needs: readonly string[] = capabilities
    return wanted(needs.some((name) => name === 'packets' || name === 'resources')) ? [kind] : []
  })
}

/** A process that is started again whenever it ends; unlike a PE, however often. */
export interface Keeper extends Disposable {
  /** Finds what it keeps, and nothing else. */
  readonly pattern: string
}

/** Starts a keeper. */
export function startKeeper(): Keeper {
  const seconds = String(70_000 + (process.pid % 10_000))
  const keeper = spawn('sh', ['-c', 'while :; do sleep "$1"; done', 'sh', seconds], { stdio: 'ignore', detached: true })
  return {
    pattern: `sleep ${seconds}`,
    [Symbol.dispose]: () => void process.kill(-(keeper.pid ?? Number.NaN), 'SIGKILL'),
  }
}

/** One fault of a kind, as a spec would ask for it. */
export function sampleOf(kind: string, kept: string): Fault {
  const make = SAMPLES[kind]
  if (!make) throw new Error(`add a sample of the fault ${kind} to this file`)
  return make(kept)
}

const SAMPLES: Readonly<Record<string, (kept: string) => Fault>> = {
  bandwidth: () => bandwidth('east', 'west', { rate: '500kbit' }),
  corruption: () => corruption('east', 'west', { percent: 5 }),
  duplication: () => duplication('east', 'west', { percent: 5 }),
  flapping: () => flapping('east', 'west', { down: '2s', up: '2s' }),
  'high-latency-with-loss': () => highLatencyWithLoss('east', 'west', { delay: '60ms', percent: 5 }),
  'packet-loss': () => packetLoss('east', 'west', { percent: 5 }),
  reordering: () => reordering({ from: 'east', to: 'west' }, { percent: 5 }),
  'data-center-crash': () => dataCenterCrash('east'),
  'data-center-isolated': () => dataCenterIsolated('west'),
  'data-center-shutdown': () => dataCenterShutdown('west'),
  'data-path-dead': () => dataPathDead('east'),
  'data-service-down': () => dataServiceDown('west'),
  'heartbeats-forged': () => heartbeatsForged({ from: 'east', to: 'west' }),
  'heartbeats-stale': () => heartbeatsStale({ from: 'west', to: 'east' }),
  'host-isolation': () => hostIsolation('east'),
  'host-quiesced': () => hostQuiesced('west'),
  'instance-restarted': () => instanceRestarted('east'),
  'instance-stopped': () => instanceStopped('west'),
  'job-cancelled': () => jobCancelled('east'),
  latency: () => latency('east', 'west', { delay: '60ms', jitter: '10ms' }),
  'network-partition': () => networkPartition('east', 'west'),
  'one-way-partition': () => oneWayPartition({ from: 'east', to: 'west', mode: 'reset' }),
  'orderly-shutdown': () => orderlyShutdown('west'),
  'pe-hang': () => peHang('east', { operator: 'Logic' }),
  'pe-kept-down': () => peKeptDown('east', { operator: 'Logic' }),
  'pe-kill': () => peKill({ name: 'west' }, { operator: 'Ingest' }),
  'pe-restart-loop': () => peRestartLoop('west', { operator: 'Results' }, { every: '2s', times: 2 }),
  'process-hang': (kept) => processHang({ dc: 'east', pattern: kept }),
  'process-kept-down': (kept) => processKeptDown({ host: 'east', pattern: kept }),
  'process-kill': (kept) => processKill({ host: 'east', pattern: kept }),
  'process-restart-loop': (kept) => processRestartLoop({ host: 'east', pattern: kept }, { every: '2s', times: 2 }),
  'cpu-pressure': () => cpuPressure('east'),
  'disk-full': () => diskFull('east', { path: '/tmp' }),
  'disk-io': () => diskIo('east', { path: '/tmp' }),
  'file-descriptors': (kept) => fileDescriptors('east', { pattern: kept }),
  'memory-pressure': () => memoryPressure('east', { reserve: '1gb' }),
  'snapshot-directory': () => snapshotDirectory('east', { mode: 'full' }),
  'pe-restarted': () => peRestarted('east', { operator: 'Logic' }),
  'pe-stopped': () => peStopped('west', { operator: 'Results' }),
  'rest-slow': () => restSlow('east', { delay: '200ms' }),
  'rest-wrong': () => restWrong('west', { mode: '5xx' }),
  'port-block': () => portBlock({ dc: 'west', port: 'data', mode: 'reset' }),
}

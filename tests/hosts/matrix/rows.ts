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
  peRestarted,
  peRestartLoop,
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
} from '../../../lib/faults/index.ts'
import type { GroundName, Places } from './ground.ts'

/** One row of the matrix: a kind of fault, as a spec would ask for it. */
export interface Row {
  readonly make: (places: Places) => Fault
  /**
   * Why it is refused on some grounds, beside what the ground says that it does not offer at all. Anything else that goes wrong is
   * a failure.
   */
  readonly refused?: Readonly<Partial<Record<GroundName, RegExp>>>
}

/** The kernel of this machine, and so of all that is not the VM, may lack netem; then faults that need it say so. */
const NEEDS_NETEM = { sshd: /lacks netem/, container: /lacks netem/ } as const
const BOTH = ['east', 'west'] as const

/** One fault of each kind. */
export const rows: Readonly<Record<string, Row>> = {
  bandwidth: { make: () => bandwidth(...BOTH, { rate: '200kbit' }) },
  corruption: { make: () => corruption(...BOTH, { percent: 8 }), refused: NEEDS_NETEM },
  'cpu-pressure': { make: ({ host }) => cpuPressure(host, { cores: 1, percent: 30 }) },
  'data-center-crash': { make: () => dataCenterCrash('east') },
  'data-center-isolated': { make: () => dataCenterIsolated('west') },
  'data-center-shutdown': { make: () => dataCenterShutdown('west') },
  'data-path-dead': { make: () => dataPathDead('east') },
  'data-service-down': { make: () => dataServiceDown('west') },
  'disk-full': { make: ({ host, smallDisk }) => diskFull(host, { path: smallDisk }) },
  'disk-io': { make: ({ host, realDisk }) => diskIo(host, { path: realDisk, workers: 1 }) },
  duplication: { make: () => duplication(...BOTH, { percent: 10 }), refused: NEEDS_NETEM },
  'file-descriptors': { make: ({ host, victim }) => fileDescriptors(host, { pattern: victim }) },
  flapping: { make: () => flapping(...BOTH, { down: '1500ms', up: '2s' }) },
  'heartbeats-forged': { make: () => heartbeatsForged({ from: 'east', to: 'west' }) },
  'heartbeats-stale': { make: () => heartbeatsStale({ from: 'west', to: 'east' }) },
  'high-latency-with-loss': {
    make: () => highLatencyWithLoss(...BOTH, { delay: '100ms', percent: 10 }),
    refused: NEEDS_NETEM,
  },
  'host-isolation': { make: ({ host }) => hostIsolation(host) },
  'host-quiesced': { make: () => hostQuiesced('west') },
  'instance-restarted': { make: () => instanceRestarted('east') },
  'instance-stopped': { make: () => instanceStopped('west') },
  'job-cancelled': { make: () => jobCancelled('east') },
  latency: { make: () => latency(...BOTH, { delay: '60ms', jitter: '10ms' }), refused: NEEDS_NETEM },
  'memory-pressure': { make: ({ host }) => memoryPressure(host, { reserve: '64mb', limit: '48mb' }) },
  'network-partition': { make: () => networkPartition(...BOTH) },
  'one-way-partition': { make: () => oneWayPartition({ from: 'east', to: 'west', mode: 'reset' }) },
  'orderly-shutdown': { make: () => orderlyShutdown('west') },
  'packet-loss': { make: () => packetLoss(...BOTH, { percent: 8 }) },
  'pe-hang': { make: () => peHang('east', { operator: 'Logic' }) },
  'pe-kept-down': { make: () => peKeptDown('east', { operator: 'Logic' }) },
  'pe-kill': { make: () => peKill('west', { operator: 'Ingest' }) },
  'pe-restart-loop': { make: () => peRestartLoop('west', { operator: 'Logic' }, { every: '500ms', times: 2 }) },
  'pe-restarted': { make: () => peRestarted('east', { operator: 'Logic' }) },
  'pe-stopped': { make: () => peStopped('west', { operator: 'Results' }) },
  'port-block': { make: () => portBlock({ dc: 'west', port: 'heartbeat', mode: 'reset' }) },
  'process-hang': { make: ({ host, victim }) => processHang({ host, pattern: victim }) },
  'process-kept-down': { make: ({ host, victim }) => processKeptDown({ host, pattern: victim }) },
  'process-kill': { make: ({ host, victim }) => processKill({ host, pattern: victim }) },
  'process-restart-loop': {
    make: ({ host, victim }) => processRestartLoop({ host, pattern: victim }, { every: '500ms', times: 2 }),
  },
  reordering: { make: () => reordering(...BOTH, { percent: 20, delay: '30ms' }), refused: NEEDS_NETEM },
  'rest-slow': {
    make: () => restSlow('east', { delay: '200ms' }),
    refused: { container: NEEDS_NETEM.container },
  },
  'rest-wrong': {
    make: () => restWrong('west', { mode: '5xx' }),
    refused: { container: /nothing at a real site can be told to answer wrongly/ },
  },
  'snapshot-directory': { make: ({ host, smallDisk }) => snapshotDirectory(host, { mode: 'full', path: smallDisk }) },
}

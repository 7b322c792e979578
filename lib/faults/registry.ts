import { hostQuiescedKind } from './api/host-quiesced.ts'
import { instanceRestartedKind } from './api/instance-restarted.ts'
import { instanceStoppedKind } from './api/instance-stopped.ts'
import { jobCancelledKind } from './api/job-cancelled.ts'
import { orderlyShutdownKind } from './api/orderly-shutdown.ts'
import { peRestartedKind } from './api/pe-restarted.ts'
import { peStoppedKind } from './api/pe-stopped.ts'
import { dataCenterCrashKind } from './datacenter/data-center-crash.ts'
import { dataCenterIsolatedKind } from './datacenter/data-center-isolated.ts'
import { dataCenterShutdownKind } from './datacenter/data-center-shutdown.ts'
import { dataPathDeadKind } from './gray/data-path-dead.ts'
import { dataServiceDownKind } from './gray/data-service-down.ts'
import { heartbeatsForgedKind } from './gray/heartbeats-forged.ts'
import { heartbeatsStaleKind } from './gray/heartbeats-stale.ts'
import { restSlowKind } from './gray/rest-slow.ts'
import { restWrongKind } from './gray/rest-wrong.ts'
import { bandwidthKind } from './network/bandwidth.ts'
import { corruptionKind } from './network/corruption.ts'
import { duplicationKind } from './network/duplication.ts'
import { flappingKind } from './network/flapping.ts'
import { highLatencyWithLossKind } from './network/high-latency-with-loss.ts'
import { packetLossKind } from './network/packet-loss.ts'
import { reorderingKind } from './network/reordering.ts'
import { latencyKind } from './network/latency.ts'
import { hostIsolationKind } from './network/host-isolation.ts'
import { networkPartitionKind } from './network/network-partition.ts'
import { oneWayPartitionKind } from './network/one-way-partition.ts'
import { portBlockKind } from './network/port-block.ts'
import { peHangKind } from './process/pe-hang.ts'
import { peKillKind } from './process/pe-kill.ts'
import { peKeptDownKind } from './process/pe-kept-down.ts'
import { peRestartLoopKind } from './process/pe-restart-loop.ts'
import { processHangKind } from './process/process-hang.ts'
import { processKeptDownKind } from './process/process-kept-down.ts'
import { processKillKind } from './process/process-kill.ts'
import { processRestartLoopKind } from './process/process-restart-loop.ts'
import { cpuPressureKind } from './resource/cpu-pressure.ts'
import { diskFullKind } from './resource/disk-full.ts'
import { diskIoKind } from './resource/disk-io.ts'
import { fileDescriptorsKind } from './resource/file-descriptors.ts'
import { memoryPressureKind } from './resource/memory-pressure.ts'
import { snapshotDirectoryKind } from './resource/snapshot-directory.ts'

/** Every kind of fault. The contract test, the documentation and the reports go over it. */
export const faultKinds = [
  dataCenterCrashKind,
  dataCenterIsolatedKind,
  dataCenterShutdownKind,
  dataPathDeadKind,
  dataServiceDownKind,
  heartbeatsForgedKind,
  heartbeatsStaleKind,
  hostQuiescedKind,
  instanceRestartedKind,
  instanceStoppedKind,
  jobCancelledKind,
  bandwidthKind,
  corruptionKind,
  duplicationKind,
  flappingKind,
  highLatencyWithLossKind,
  packetLossKind,
  reorderingKind,
  latencyKind,
  hostIsolationKind,
  networkPartitionKind,
  oneWayPartitionKind,
  portBlockKind,
  orderlyShutdownKind,
  peHangKind,
  peKeptDownKind,
  peKillKind,
  peRestartLoopKind,
  peRestartedKind,
  peStoppedKind,
  restSlowKind,
  restWrongKind,
  processHangKind,
  processKeptDownKind,
  processKillKind,
  processRestartLoopKind,
  cpuPressureKind,
  diskFullKind,
  diskIoKind,
  fileDescriptorsKind,
  memoryPressureKind,
  snapshotDirectoryKind,
] as const

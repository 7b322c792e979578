import { instanceStoppedKind } from './api/instance-stopped.ts'
import { jobCancelledKind } from './api/job-cancelled.ts'
import { orderlyShutdownKind } from './api/orderly-shutdown.ts'
import { dataCenterCrashKind } from './datacenter/data-center-crash.ts'
import { latencyKind } from './network/latency.ts'
import { networkPartitionKind } from './network/network-partition.ts'
import { oneWayPartitionKind } from './network/one-way-partition.ts'
import { peHangKind } from './process/pe-hang.ts'
import { peKillKind } from './process/pe-kill.ts'

/** Every kind of fault. The contract test, the documentation and the reports go over it. */
export const faultKinds = [
  dataCenterCrashKind,
  instanceStoppedKind,
  jobCancelledKind,
  latencyKind,
  networkPartitionKind,
  oneWayPartitionKind,
  orderlyShutdownKind,
  peHangKind,
  peKillKind,
] as const

export type { ActiveFault, FaultEngine, FaultState, HealReport, Healed, InjectOptions } from './active.ts'
export { hostQuiesced } from './api/host-quiesced.ts'
export { instanceRestarted } from './api/instance-restarted.ts'
export { instanceStopped } from './api/instance-stopped.ts'
export { jobCancelled } from './api/job-cancelled.ts'
export { orderlyShutdown, type OrderlyShutdownOptions } from './api/orderly-shutdown.ts'
export { peRestarted } from './api/pe-restarted.ts'
export { peStopped } from './api/pe-stopped.ts'
export { dataCenterCrash } from './datacenter/data-center-crash.ts'
export { dataCenterIsolated, type DataCenterIsolation } from './datacenter/data-center-isolated.ts'
export { dataCenterShutdown } from './datacenter/data-center-shutdown.ts'
export { dataPathDead } from './gray/data-path-dead.ts'
export { dataServiceDown } from './gray/data-service-down.ts'
export { heartbeatsForged, type ForgedHeartbeats } from './gray/heartbeats-forged.ts'
export { heartbeatsStale, type StaleHeartbeats } from './gray/heartbeats-stale.ts'
export { restSlow } from './gray/rest-slow.ts'
export { restWrong } from './gray/rest-wrong.ts'
export { nameOf, type DcRef } from './data-center.ts'
export { defineFault, type FaultKind } from './define-fault.ts'
export type {
  Confirmation,
  DcClients,
  Evidence,
  EvidenceValue,
  Fault,
  FaultContext,
  FaultDefinition,
  FaultPlan,
  FaultStep,
  HostName,
  InjectedSteps,
  PlanContext,
  StepAction,
  UndoFile,
} from './definition.ts'
export { createFaultEngine, type FaultEngineOptions } from './engine.ts'
export {
  FaultFailedError,
  FaultNotConfirmedError,
  FaultNotHealedError,
  FaultRefusedError,
  FaultTargetError,
  LeaseLostError,
  LeaseRefusedError,
  SweepError,
} from './errors.ts'
export { armLease, type HeldLease, type LeaseOptions } from './lease.ts'
export { leftoverScans, type LeftoverScan } from './leftovers.ts'
export { latency, type LatencyOptions } from './network/latency.ts'
export { bandwidth, type BandwidthOptions } from './network/bandwidth.ts'
export { corruption } from './network/corruption.ts'
export { duplication } from './network/duplication.ts'
export { flapping, type FlappingOptions } from './network/flapping.ts'
export { highLatencyWithLoss, type HighLatencyWithLossOptions } from './network/high-latency-with-loss.ts'
export { packetLoss } from './network/packet-loss.ts'
export type { PercentOptions } from './network/traffic-control/percent-fault.ts'
export { reordering, type ReorderingOptions } from './network/reordering.ts'
export type { BetweenArguments, DirectionOptions, OneWay } from './network/traffic-control/direction.ts'
export type { Rate } from './network/traffic-control/rate.ts'
export { hostIsolation, type IsolationOptions } from './network/host-isolation.ts'
export { networkPartition, type PartitionOptions } from './network/network-partition.ts'
export { oneWayPartition } from './network/one-way-partition.ts'
export { portBlock, type PortBlockOptions } from './network/port-block.ts'
export { peHang } from './process/pe-hang.ts'
export { peKeptDown } from './process/pe-kept-down.ts'
export { peKill } from './process/pe-kill.ts'
export { peRestartLoop, type RestartLoopOptions } from './process/pe-restart-loop.ts'
export { processHang } from './process/process-hang.ts'
export { processKeptDown } from './process/process-kept-down.ts'
export { processKill, type KillOptions } from './process/process-kill.ts'
export { processRestartLoop } from './process/process-restart-loop.ts'
export type { ProcessTarget } from './process/process-target.ts'
export { faultKinds } from './registry.ts'
export { cpuPressure, type CpuPressureOptions } from './resource/cpu-pressure.ts'
export { diskFull, type DiskFullOptions } from './resource/disk-full.ts'
export { diskIo, type DiskIoOptions } from './resource/disk-io.ts'
export { fileDescriptors, type FileDescriptorsOptions } from './resource/file-descriptors.ts'
export type { HostRef } from './resource/host-target.ts'
export { memoryPressure, type MemoryPressureOptions } from './resource/memory-pressure.ts'
export type { Size } from './resource/size.ts'
export { snapshotDirectory } from './resource/snapshot-directory.ts'
export type { FaultDeadlines } from './services.ts'
export { type StopAnswer, type StopCondition, type StopContext } from './stop-condition.ts'
export { survivorCondition, type SurvivorLimits } from './survivor-condition.ts'
export { sweep, type SweepOptions, type SweptLease } from './sweep.ts'
export type { BlastRadius, Capability, FaultDc, FaultEnvironment, FaultHost, FaultLink } from './target.ts'

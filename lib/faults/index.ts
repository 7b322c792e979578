export type { ActiveFault, FaultEngine, FaultState, HealReport, Healed } from './active.ts'
export { instanceStopped } from './api/instance-stopped.ts'
export { jobCancelled } from './api/job-cancelled.ts'
export { orderlyShutdown, type OrderlyShutdownOptions } from './api/orderly-shutdown.ts'
export { dataCenterCrash } from './datacenter/data-center-crash.ts'
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
} from './errors.ts'
export { armLease, type HeldLease, type LeaseOptions } from './lease.ts'
export { latency, type LatencyOptions } from './network/latency.ts'
export { networkPartition, type PartitionOptions } from './network/network-partition.ts'
export { oneWayPartition } from './network/one-way-partition.ts'
export { peHang } from './process/pe-hang.ts'
export { peKill } from './process/pe-kill.ts'
export { faultKinds } from './registry.ts'
export type { FaultDeadlines } from './services.ts'
export { sweep, type SweepOptions, type SweptLease } from './sweep.ts'
export type { BlastRadius, Capability, FaultDc, FaultEnvironment, FaultHost, FaultLink } from './target.ts'

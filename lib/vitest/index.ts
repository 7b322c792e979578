export { requiredCapabilities, requireOrSkip, type SkipMeta, type SkippableContext } from './capabilities.ts'
export { CapabilityError } from './errors.ts'
export {
  beginRun,
  claimDrillDirectory,
  currentRun,
  endRun,
  openRunDirectory,
  type DrillIdentity,
  type Run,
} from './run.ts'
export { registerSecrets } from './secrets.ts'
export { takeOverSignals, type Cancellable, type EndSignal, type SignalWatch } from './signals.ts'
export { guardWorker, onWorkerEnd, runWorkerEndHooks, workerEndSignal, type WorkerEndHook } from './worker-end.ts'
export { environmentOf, type ProvidedEnvironment } from './environment-of.ts'

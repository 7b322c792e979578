export { decodeApplicationState, encodeApplicationState, type KeyState } from './application-state.ts'
export { checkConfiguration, type ConfigurationFinding } from './configuration-check.ts'
export {
  CONFIGURATION_KEYS,
  configurationKeys,
  isConfigurationKey,
  type ConfigurationKey,
} from './configuration-keys.ts'
export {
  APPLICATION_CONFIGURATION,
  formatConfigurationFile,
  parseConfigurationFile,
  readConfiguration,
  resolveConfiguration,
  type ConfigurationNote,
  type ConfigurationOrigin,
  type ConfigurationSources,
  type ToolkitConfiguration,
} from './configuration.ts'
export {
  decodeHeartbeatMessage,
  encodeHeartbeatMessage,
  heartbeatMessage,
  MESSAGE_TYPE,
  WireError,
  type HeartbeatMessage,
} from './wire.ts'
export { snapshotCadence, type SnapshotCadence } from './cadence.ts'
export { classify } from './classify.ts'
export { UnexpectedTakeoverError } from './errors.ts'
export {
  type DataPlaneReport,
  type FailoverMonitor,
  type MonitorChange,
  type MonitorWaitOptions,
} from './monitor-api.ts'
export { openMonitor, type MonitorOptions } from './monitor.ts'
export { objectiveFindings, type ObjectiveFinding, type PredictedObjectives } from './objectives.ts'
export { type PredictedSpan } from './predicted-span.ts'
export { predict, type Prediction, type PredictOptions, type ToolkitTiming } from './prediction.ts'
export { resolveTolerance, type Tolerance, type ToleranceOptions } from './tolerance.ts'
export {
  type ApplicationState,
  type ClassifiedView,
  type DcState,
  type Evidence,
  type EvidenceKind,
  type Heartbeating,
  type PairClassification,
  type PairState,
  type PairView,
  type PeerView,
  type Reachability,
  type Takeover,
  type ToolkitCounters,
} from './view.ts'
export { type Probe, type WatchedDc, type WatchedManagement } from './site-watch.ts'
export { dataServiceProbe, receiverProbe } from './probes.ts'
export { type Observation, type ObservationSubject } from './observation.ts'

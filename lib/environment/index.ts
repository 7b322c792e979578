export { defineEnvironment, extendEnvironment, type EnvironmentInput } from './define.ts'
export { renderEnvExample } from './env-example.ts'
export {
  EnvironmentError,
  EnvironmentLockedError,
  EnvironmentLockError,
  PreflightError,
  type ConfigurationProblem,
  type PreflightProblem,
  type PreflightProblemKind,
} from './errors.ts'
export type { PreflightNote } from './preflight-hosts.ts'
export { lockLiveEnvironment, type LiveLockOptions } from './live-lock.ts'
export { acquireEnvironmentLock, type EnvironmentLock, type EnvironmentLockOptions, type LockHolder } from './lock.ts'
export { preflight, type PreflightOptions } from './preflight.ts'
export { resolveEnvironment, type ResolveOptions } from './resolve.ts'
export type {
  ApplicationOperators,
  ApplicationSettings,
  BlastRadius,
  Capability,
  DcConnection,
  DcName,
  DeliveryContract,
  LabAccess,
  LabFacts,
  LinkAddress,
  MetricsSources,
  Objectives,
  Party,
  PortRole,
  PowerCommands,
  ResolvedEnvironment,
  Safety,
  ServiceConnection,
  Target,
  TlsSettings,
} from './resolved.ts'
export type { EnvironmentDeclaration, EnvironmentOverlay } from './schema.ts'
export { describeTarget, targetOf, type TargetChoice } from './target.ts'
export {
  INTERNAL_VARIABLES,
  VARIABLES,
  variableNames,
  type VariableDescription,
  type VariableScope,
} from './variable-table.ts'
export {
  applyRunVariables,
  readVariables,
  type FoundVariable,
  type Variables,
  type VariableSources,
} from './variables.ts'

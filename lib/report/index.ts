export { classifyFailure, classifyFindings, type FailureContext, type ReportedError } from './classification.ts'
export { readDrillEvents, toDrillReport, toInterruptedReport, type DrillEvents } from './drill.ts'
export { drillMeta, drillMetaSchema, type DrillMeta } from './meta.ts'
export { openProgress, readProgress, type DrillProgress, type DrillWait, type WaitingDrill } from './progress.ts'
export {
  REPORT_SCHEMA_VERSION,
  reportSchema,
  type CheckReport,
  type Classification,
  type DrillReport,
  type Report,
  type SkippedReport,
} from './schema.ts'
export { describeTarget, formatSummary, weakens, type SummaryOptions } from './summary.ts'

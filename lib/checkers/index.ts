export { analyse, judge, type AnalyseOptions } from './analyse.ts'
export { analysisOf, contextOf, type Analysis, type CheckContext } from './analysis.ts'
export { defineChecker, type Checker, type Conclusion } from './define-checker.ts'
export {
  type DrillFindings,
  type Evidence,
  type Finding,
  type Gate,
  type Json,
  type RpoMeasurement,
  type RtoMeasurement,
  type Stages,
} from './finding.ts'
export { GATES } from './gates/index.ts'
export { holds } from './prediction.ts'
export { recheck, type Recheck } from './recheck.ts'
export { byName, CHECKERS } from './registry.ts'

import './augment.ts'
export { InconclusiveError } from './errors.ts'
export { installMatchers } from './install.ts'
export type { Drill, DrillObjectives, Expectation, RpoObjective, TakeoverSubject } from './subject.ts'

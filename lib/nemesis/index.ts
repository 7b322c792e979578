export { ScheduleError } from './errors.ts'
export { random, type RandomOptions } from './random.ts'
export { startSchedule, type CarriedOut, type NemesisParts, type NemesisRun } from './run.ts'
export {
  describeSchedule,
  hold,
  parallel,
  pause,
  peakOf,
  ramp,
  repeat,
  sequence,
  type Hold,
  type HoldLength,
  type Parallel,
  type Pause,
  type RampOptions,
  type Schedule,
  type Sequence,
} from './schedule.ts'

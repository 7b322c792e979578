export { now, systemClock, type Clock } from './clock.ts'
export { abortedWhile, pause, withDeadline, type DeadlineOptions } from './deadline.ts'
export { formatMs, isDuration, toMs, type Duration } from './duration.ts'
export {
  AbortedError,
  ConfigurationError,
  FailoverError,
  messageOf,
  TimeoutError,
  type FailoverErrorOptions,
} from './errors.ts'
export { eventually, type EventuallyOptions, type Observed, type Probe } from './eventually.ts'
export { formatSpan, type OpenSpan } from './format-span.ts'
export { earliestOf, elapsed, interval, latestOf, relativeTo, width, type Interval, type Span } from './interval.ts'
export { hash, seeded, type Random } from './random.ts'
export { redact, registerBasicCredentials, registerSecret } from './redaction.ts'
export { processExists } from './process-exists.ts'
export { reveal, Secret } from './secret.ts'
export { mergeVerdicts, type Verdict } from './verdict.ts'

import { formatMs, toMs, type Duration } from '../core/index.ts'
import type { PredictedSpan } from './predicted-span.ts'
import type { Prediction } from './prediction.ts'

/** The objectives that a configuration can be held against. */
export interface PredictedObjectives {
  readonly rto?: Duration | undefined
  readonly rpo?: { readonly tuples?: number | undefined; readonly stateAge?: Duration | undefined } | undefined
}

/** An objective that the configuration cannot meet, or not always. */
export interface ObjectiveFinding {
  readonly objective: 'rto' | 'state-age'
  /** `unmeetable`: missed even in the best case; `at-risk`: missed in some phases. */
  readonly severity: 'unmeetable' | 'at-risk'
  readonly message: string
  readonly remedy: string
}

/** Holds objectives against what the toolkit's rules allow. Pure; an empty list says that nothing stands against them. */
export function objectiveFindings(prediction: Prediction, objectives: PredictedObjectives): ObjectiveFinding[] {
  const findings: ObjectiveFinding[] = []
  const hold = (
    objective: ObjectiveFinding['objective'],
    agreed: Duration,
    span: PredictedSpan,
    remedy: string,
  ): void => {
    const agreedMs = toMs(agreed)
    // By the rules alone: a tolerance must not make a configuration look bad, nor good.
    if (span.exact.upperMs <= agreedMs) return
    const severity = span.exact.lowerMs >= agreedMs ? 'unmeetable' : 'at-risk'
    const bounds = `${formatMs(span.exact.lowerMs)} to ${formatMs(span.exact.upperMs)}`
    findings.push({
      objective,
      severity,
      message:
        `The ${objective === 'rto' ? 'RTO' : 'state age'} objective of ${agreed} ` +
        `${severity === 'unmeetable' ? 'cannot be met' : 'can be missed'}: the configuration gives ${bounds} (${span.formula}).`,
      remedy,
    })
  }
  if (objectives.rto !== undefined) {
    const remedy = 'Lower heartbeatExchangeInterval or consecutiveHeartbeatMissesAllowed, or agree on a longer RTO.'
    hold('rto', objectives.rto, prediction.rto, remedy)
  }
  const stateAge = objectives.rpo?.stateAge
  if (stateAge !== undefined) {
    if (prediction.snapshotEveryTicks === 0) {
      findings.push({
        objective: 'state-age',
        severity: 'unmeetable',
        message: `The state age objective of ${stateAge} cannot be met: the configuration replicates no state.`,
        remedy: 'Set dataSnapshotExchangeInterval to a whole number of seconds on an active data centre.',
      })
    } else {
      const remedy = 'Lower dataSnapshotExchangeInterval, or agree on an older state.'
      hold('state-age', stateAge, prediction.stateAge, remedy)
    }
  }
  return findings
}

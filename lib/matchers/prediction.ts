import { holds } from '../checkers/index.ts'
import { formatMs, mergeVerdicts, type Verdict, formatSpan } from '../core/index.ts'
import type { Assessment } from './format.ts'
import type { Expectation, TakeoverSubject } from './subject.ts'

/**
 * Holds what was measured against what the configuration of the toolkit predicts: pass if all of a measured interval lies in the
 * predicted one, fail if none of it does, else unknown.
 */
export function assessPrediction(takeover: TakeoverSubject): Assessment {
  const { expectations, evidence, survivor } = takeover
  return {
    matcher: 'toMatchPrediction',
    subject: 'takeover',
    name: `takeover by ${survivor}`,
    verdict: mergeVerdicts(expectations.map(held)),
    claim: "it took as long as the toolkit's rules predict",
    contrary: "it did not take as long as the toolkit's rules predict",
    facts: expectations.length === 0 ? [['Predicted', 'nothing']] : expectations.map((one) => [one.what, lines(one)]),
    weakenedBy: [],
    evidence: evidence === undefined ? [] : restsOn(evidence),
    remedy:
      expectations.length === 0
        ? "Give the environment the toolkit's configuration, from which the prediction follows."
        : 'Sample faster, so that what is measured lies on one side of what is predicted.',
    directory: takeover.directory,
  }
}

/** The bounds of the prediction state their tolerance already. */
function held({ predicted, measured }: Expectation): Verdict {
  return holds(measured, predicted, 0)
}

function lines(expectation: Expectation): readonly string[] {
  const { predicted, measured, rule } = expectation
  const verdict = held(expectation)
  const late = measured.upperMs - predicted.upperMs
  const early = predicted.lowerMs - measured.lowerMs
  const off = late > 0 ? `up to ${formatMs(late)} too late` : `up to ${formatMs(early)} too early`
  const mark = { pass: '✓', fail: '✗', inconclusive: '?' }[verdict]
  return [
    `${mark} measured ${formatSpan(measured)}, predicted ${formatSpan(predicted)}${verdict === 'pass' ? '' : `: ${off}`}`,
    ...(rule === undefined ? [] : [`  by ${rule}`]),
  ]
}

function restsOn({ kind, detail, degraded }: NonNullable<TakeoverSubject['evidence']>): readonly string[] {
  return [`${kind}: ${detail}`, ...(degraded === undefined ? [] : [`weaker than it could be: ${degraded}`])]
}

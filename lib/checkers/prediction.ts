import { mergeVerdicts, type Span, type Verdict } from '../core/index.ts'
import type { Analysis } from './analysis.ts'
import { defineChecker } from './define-checker.ts'
import type { Json, RtoMeasurement } from './finding.ts'
import { spanText } from './text.ts'

/** A measured interval beside the one that the toolkit's rules predict. */
interface Comparison {
  readonly what: string
  readonly measured: Span | null
  readonly predicted: Span
  readonly verdict: Verdict
}

/**
 * Measurements held against the toolkit's own rules: pass if the measured interval lies inside the predicted one, widened by the
 * stated tolerance; fail if they have nothing in common; else inconclusive.
 */
export const prediction = defineChecker({
  name: 'prediction',
  describe: 'Detection, takeover, first output and state age lie within what the toolkit’s own rules predict.',
  check: (analysis) => {
    const { start, timeline, outages } = analysis
    if (!start.prediction)
      return { verdict: 'inconclusive', applies: false, summary: 'No prediction was made for this drill.' }
    if (outages.length === 0) {
      const hit = timeline.faults.some(({ affects, states }) => affects && states.injected)
      return {
        verdict: 'inconclusive',
        applies: hit,
        summary: hit
          ? 'A fault took a data centre’s service away, but the time of the outage was not recorded.'
          : 'There was no outage to hold the prediction against.',
      }
    }
    const judged = outages.filter(({ stages }) => stages.detection ?? stages.takeover)
    if (judged.length === 0) {
      const noticed = 'No data centre was seen to notice an outage, so there is nothing to hold against the prediction.'
      const takenOver = outages.some(({ dc, recoveredAt }) => recoveredAt !== null && recoveredAt !== dc)
      return { verdict: 'inconclusive', applies: takenOver, summary: noticed }
    }
    const comparisons = judged.flatMap((outage) => compare(analysis, outage))
    if (comparisons.length === 0) {
      const summary = 'The data centre left in an orderly way: its spec holds the detection against the rule for that.'
      return { verdict: 'inconclusive', applies: false, summary }
    }
    const detail = { comparisons: comparisons.map(show), toleranceMs: start.prediction.toleranceMs }
    const verdict = mergeVerdicts(comparisons.map((one) => one.verdict))
    const worst = comparisons.find((one) => one.verdict === verdict)
    if (!worst || verdict === 'pass') {
      const what = comparisons.map((one) => one.what).join(', ')
      return { verdict, summary: `The toolkit behaved as its rules predict: ${what}.`, detail }
    }
    const seen = worst.measured ? `took ${spanText(worst.measured)}` : 'was not measured'
    const due = `${spanText(worst.predicted)} predicted`
    return verdict === 'fail'
      ? { verdict, summary: `The toolkit did not behave as its rules predict: ${worst.what} ${seen}, ${due}.`, detail }
      : {
          verdict,
          summary: `Whether the toolkit behaved as predicted cannot be told: ${worst.what} ${seen}, ${due}.`,
          detail,
        }
  },
})

function compare(
  { start, rpo, timeline }: Analysis,
  { dc, stages, recoveredAt }: RtoMeasurement,
): readonly Comparison[] {
  const { prediction: predicted } = start
  if (!predicted) return []
  // Heartbeats ended with the message, before service did: what is counted from a crash does not hold from this outage.
  if (timeline.faults.some(({ kind, affects }) => kind === 'orderly-shutdown' && affects === dc)) return []
  const pairs: readonly (readonly [string, Span | null, Span | undefined])[] = [
    ['detection', stages.detection, predicted.detectionAfterCrash],
    ['takeover', stages.takeover, predicted.takeoverAfterCrash],
    ['first output', recoveredAt === dc ? null : stages.firstOutput, predicted.rto],
    // A peer that left in an orderly way had its snapshots deleted: nothing was handed over whose age could be predicted.
    [
      'state age',
      timeline.of('takeover').some(({ snapshots }) => snapshots === 0) ? null : (rpo?.stateAge ?? null),
      predicted.stateAge,
    ],
  ]
  return pairs.flatMap(([what, measured, span]) => {
    if (!span) return []
    // A detection that nobody saw weakens the verdict; an output or a state that was not there is judged elsewhere.
    if (!measured && what !== 'detection') return []
    return [
      {
        what,
        measured,
        predicted: span,
        verdict: measured ? holds(measured, span, predicted.toleranceMs) : 'inconclusive',
      },
    ]
  })
}

/** Verdict on a measured interval against a predicted one. */
export function holds(measured: Span, predicted: Span, toleranceMs: number): Verdict {
  const lower = predicted.lowerMs - toleranceMs
  const upper = predicted.upperMs + toleranceMs
  if (measured.lowerMs >= lower && measured.upperMs <= upper) return 'pass'
  return measured.upperMs < lower || measured.lowerMs > upper ? 'fail' : 'inconclusive'
}

const show = ({ what, measured, predicted, verdict }: Comparison): Json => ({
  what,
  verdict,
  measuredMs: measured ? { lower: measured.lowerMs, upper: measured.upperMs } : null,
  predictedMs: { lower: predicted.lowerMs, upper: predicted.upperMs },
})

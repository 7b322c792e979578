import { elapsed, formatMs, type Interval, type Span } from '../core/index.ts'
import { defineChecker } from './define-checker.ts'
import { pairEvidence } from './pair-evidence.ts'
import { micro, spanText } from './text.ts'
import type { Timeline } from './timeline.ts'

/** How many times the predicted return a pair is given to rejoin before it counts as failed. */
const PATIENCE = 2

/** After healing, both sides see each other up again. */
export const reconvergence = defineChecker({
  name: 'reconvergence',
  describe: 'After the fault is healed, both data centres see each other up again.',
  check: ({ timeline, start, lastInstant }, context) => {
    const healed = timeline.lastHealed
    const known = timeline.pairs.filter(({ state }) => state !== 'unknown')
    const last = known.at(-1)
    const detail = { healed: healed ? { ...context.interval(healed) } : null, last: last?.state ?? null }
    if (!healed)
      return { verdict: 'inconclusive', applies: false, summary: 'Nothing was healed within the drill.', detail }
    if (!last) {
      const summary = 'The pair was not watched after the healing.'
      return { verdict: 'inconclusive', applies: timeline.watched, summary, detail }
    }
    const evidence = [pairEvidence(last, context)]
    if (last.state === 'normal') {
      const after = last.at.latest > healed.earliest ? elapsed(healed, last.at) : { lowerMs: 0, upperMs: 0 }
      const span = { lowerMs: micro(Math.max(0, after.lowerMs)), upperMs: micro(Math.max(0, after.upperMs)) }
      const objective = start.objectives.rejoinMs
      const whole = rejoining(timeline, last.at)
      if (whole && objective !== undefined && whole.upperMs > objective) {
        const late = whole.lowerMs > objective
        return {
          verdict: late ? 'fail' : 'inconclusive',
          summary: `The pair was together again ${spanText(whole)} after the healing began; the objective is ${formatMs(objective)}.`,
          detail: {
            ...detail,
            objectiveMs: objective,
            spanMs: { lower: micro(whole.lowerMs), upper: micro(whole.upperMs) },
          },
          evidence,
        }
      }
      return {
        verdict: 'pass',
        summary:
          span.upperMs === 0
            ? 'The pair was together all the time.'
            : `The pair was together again ${spanText(span)} after the healing.`,
        detail: { ...detail, spanMs: { lower: span.lowerMs, upper: span.upperMs } },
        evidence,
      }
    }
    const watchedMs = lastInstant - healed.latest
    const due = start.prediction?.returnSeen?.upperMs
    const stuck = last.state === 'stuck-split-brain'
    if (stuck || (due !== undefined && watchedMs > PATIENCE * due)) {
      return {
        verdict: 'fail',
        summary: `The pair did not rejoin after the healing: its last state was ${last.state}, ${formatMs(watchedMs)} later.`,
        detail,
        evidence,
      }
    }
    return {
      verdict: 'inconclusive',
      // A drill that ends right after the healing does not ask for reconvergence.
      applies: due !== undefined && watchedMs >= due,
      summary: `The pair had not rejoined when the drill ended ${formatMs(watchedMs)} after the healing: watch longer.`,
      detail,
      evidence,
    }
  },
})

/** From the beginning of the last heal until the pair was together again; undefined if it had not been apart. */
function rejoining({ faults }: Timeline, together: Interval): Span | undefined {
  const begins = faults.flatMap(({ states }) => (states.healing ? [states.healing] : []))
  const last = begins.sort((a, b) => a.earliest - b.earliest).at(-1)
  return last && together.latest > last.latest ? elapsed(last, together) : undefined
}

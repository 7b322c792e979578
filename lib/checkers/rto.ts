import { formatMs } from '../core/index.ts'
import { defineChecker } from './define-checker.ts'
import { blindness } from './observability.ts'
import { spanText } from './text.ts'

/** The longest time without service, against the objective. */
export const rto = defineChecker({
  name: 'rto',
  describe: 'After an outage, work of the data centre is processed again within the objective.',
  check: (analysis) => {
    const { start, timeline } = analysis
    const objective = start.objectives.rtoMs
    const measured = analysis.rto
    if (!measured) {
      const hit = timeline.faults.filter(({ affects, states }) => affects && states.injected)
      return hit.length > 0
        ? {
            verdict: 'inconclusive',
            summary: 'A fault took a data centre’s service away, but the time of the outage was not recorded.',
          }
        : { verdict: 'inconclusive', applies: false, summary: 'No data centre’s service was taken away.' }
    }
    const detail = {
      objectiveMs: objective ?? null,
      dc: measured.dc,
      outage: { ...measured.outage },
      recovery: measured.recovery ? { ...measured.recovery } : null,
      spanMs: measured.span ? { lower: measured.span.lowerMs, upper: measured.span.upperMs } : null,
      notBeforeMs: measured.notBeforeMs,
    }
    if (objective === undefined) {
      return { verdict: 'inconclusive', applies: false, summary: 'No objective for recovery was agreed.', detail }
    }
    const agreed = formatMs(objective)
    if (!measured.span) {
      const since = measured.notBeforeMs
      const blind = blindness(analysis, { unknownMatters: false })
      if (since === null || blind) {
        const why = blind ?? 'none of its work was sent after the outage'
        return { verdict: 'inconclusive', summary: `Recovery of ${measured.dc} cannot be told: ${why}.`, detail }
      }
      return {
        verdict: since > objective ? 'fail' : 'inconclusive',
        summary: `The work of ${measured.dc} had not come back ${formatMs(since)} after the outage (objective: ${agreed}).`,
        detail,
      }
    }
    const took = `The work of ${measured.dc} was back ${spanText(measured.span)} after the outage`
    if (measured.span.upperMs <= objective)
      return { verdict: 'pass', summary: `${took} (objective: ${agreed}).`, detail }
    if (measured.span.lowerMs > objective)
      return { verdict: 'fail', summary: `${took}, later than the objective of ${agreed}.`, detail }
    return {
      verdict: 'inconclusive',
      summary: `${took}; the objective of ${agreed} lies within: poll the taps faster.`,
      detail,
    }
  },
})

import { type Verdict } from '../core/index.ts'
import { defineChecker } from './define-checker.ts'
import { blindness } from './observability.ts'
import { plural, spanText } from './text.ts'

/** Acknowledged tuples that were lost, against the objective. The age of the state is told here and judged by `stale-state`. */
export const rpo = defineChecker({
  name: 'rpo',
  describe: 'No more acknowledged tuples are lost than agreed.',
  check: (analysis, context) => {
    const { start, ledger } = analysis
    const objective = start.objectives.rpo
    const measured = analysis.rpo
    if (!objective) return { verdict: 'inconclusive', applies: false, summary: 'No objective for loss was agreed.' }
    if (!measured) return { verdict: 'inconclusive', summary: 'No traffic was recorded.' }
    const { lostTuples, unknownTuples, stateAge } = measured
    const detail = {
      objective: { tuples: objective.tuples, stateAgeMs: objective.stateAgeMs ?? null },
      lostTuples,
      unknownTuples,
      indeterminateTuples: measured.indeterminateTuples,
      lostSeconds: measured.lostSeconds,
      stateAgeMs: stateAge ? { lower: stateAge.lowerMs, upper: stateAge.upperMs } : null,
    }
    const blind = blindness(analysis, { unknownMatters: false })
    const tuples: Verdict =
      lostTuples > objective.tuples
        ? 'fail'
        : blind || lostTuples + Math.max(0, unknownTuples - start.contract.maxUnknown) > objective.tuples
          ? 'inconclusive'
          : 'pass'
    const parts = [
      `${plural(lostTuples, 'acknowledged tuple')} lost (objective: ${objective.tuples})`,
      ...(unknownTuples > 0 ? [`the fate of ${plural(unknownTuples, 'more', 'more')} unknown`] : []),
      ...(objective.stateAgeMs === undefined || ledger.work.adopted === 0
        ? []
        : [`state age ${stateAge ? spanText(stateAge) : 'not known'}`]),
    ]
    const summary = blind && tuples !== 'fail' ? `Loss cannot be told: ${blind}.` : `${capital(parts.join('; '))}.`
    return { verdict: tuples, summary, detail, evidence: context.evidence(ledger.lost.first) }
  },
})

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

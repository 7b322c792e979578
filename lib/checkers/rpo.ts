import { formatMs, mergeVerdicts, type Verdict } from '../core/index.ts'
import { defineChecker } from './define-checker.ts'
import { blindness } from './observability.ts'
import { plural, spanText } from './text.ts'

/** What was lost, against the objective: tuples, and age of the state taken over where that was agreed. */
export const rpo = defineChecker({
  name: 'rpo',
  describe: 'No more is lost than agreed: acknowledged tuples, and the age of the state that was taken over.',
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
    const state =
      objective.stateAgeMs === undefined ? 'pass' : ageVerdict(stateAge, objective.stateAgeMs, ledger.work.adopted)
    const parts = [
      `${plural(lostTuples, 'acknowledged tuple')} lost (objective: ${objective.tuples})`,
      ...(unknownTuples > 0 ? [`the fate of ${plural(unknownTuples, 'more', 'more')} unknown`] : []),
      ...(objective.stateAgeMs === undefined || ledger.work.adopted === 0
        ? []
        : [`state age ${stateAge ? spanText(stateAge) : 'not known'} (objective: ${formatMs(objective.stateAgeMs)})`]),
    ]
    const summary = blind && tuples !== 'fail' ? `Loss cannot be told: ${blind}.` : `${capital(parts.join('; '))}.`
    return { verdict: mergeVerdicts([tuples, state]), summary, detail, evidence: context.evidence(ledger.lost.first) }
  },
})

function ageVerdict(age: { lowerMs: number; upperMs: number } | null, objectiveMs: number, adopted: number): Verdict {
  // Where no work changed hands there is no state whose age could matter.
  if (!age) return adopted === 0 ? 'pass' : 'inconclusive'
  return age.upperMs <= objectiveMs ? 'pass' : age.lowerMs > objectiveMs ? 'fail' : 'inconclusive'
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

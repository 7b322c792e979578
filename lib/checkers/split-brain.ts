import { defineChecker } from './define-checker.ts'
import { pairEvidence } from './pair-evidence.ts'
import { blindness } from './observability.ts'
import { plural } from './text.ts'
import type { Timeline } from './timeline.ts'

/**
 * Both data centres act for the same work. Seen in the data plane (one tuple processed by both, or a key whose new work is
 * processed in turns) and in what the pair's views say. A pass needs something that would have shown it: a watched pair, or
 * witness tuples offered to both sides.
 */
export const splitBrain = defineChecker({
  name: 'split-brain',
  describe: 'Never do both data centres act for the same work.',
  check: (analysis, context) => {
    const { ledger, timeline } = analysis
    const { interleaved, stragglers } = ledger.work
    const states = timeline.pairs.filter(({ state }) => state === 'split-brain' || state === 'stuck-split-brain')
    const troubled = Number.isFinite(timeline.firstTrouble)
    const witnesses = troubled ? ledger.witnesses.sinceTrouble : ledger.witnesses.all
    const detail = {
      processedByBoth: ledger.dual.count,
      resentTwice: ledger.resentTwice,
      interleaved: interleaved.count,
      stragglers,
      pairStates: states.length,
      witnesses,
    }
    if (ledger.dual.count + interleaved.count + states.length > 0) {
      const reasons = [
        ...(ledger.dual.count > 0 ? [`${plural(ledger.dual.count, 'tuple')} processed by both`] : []),
        ...(interleaved.count > 0 ? [`work on a key changed sides unbidden ${interleaved.count} times`] : []),
        ...(states.length > 0 ? ['each declared the other down while both were healthy'] : []),
      ]
      return {
        verdict: 'fail',
        summary: `Both data centres acted for the same work: ${reasons.join('; ')}.`,
        detail,
        evidence: [
          ...context.evidence([...ledger.dual.first, ...interleaved.first].slice(0, 4)),
          ...states.slice(0, 2).map((state) => pairEvidence(state, context)),
        ],
      }
    }
    const blind = blindness(analysis, { unknownMatters: false })
    if (blind) return { verdict: 'inconclusive', summary: `This cannot be told: ${blind}.`, detail }
    if (witnesses === 0 && !watchedThrough(timeline, troubled ? timeline.firstTrouble : undefined)) {
      return {
        verdict: 'inconclusive',
        summary: 'Nothing would have shown it: the pair was not watched, and no tuple was offered to both sides.',
        detail,
      }
    }
    return { verdict: 'pass', summary: 'At no time did both data centres act for the same work.', detail }
  },
})

/**
 * Whether the pair's state was known when trouble began or later. A state is recorded when it changes and stays in force until
 * then, provided that the monitor still lived: it went on to record what it saw.
 */
function watchedThrough({ pairs, of }: Timeline, since: number | undefined): boolean {
  const known = pairs.filter(({ state }) => state !== 'unknown')
  if (since === undefined || known.some(({ at }) => at.latest >= since)) return known.length > 0
  const before = pairs.filter(({ at }) => at.latest < since).at(-1)
  const isAlive = of('observation').some(({ at, evidence }) => evidence === 'toolkit-metrics' && at.latest >= since)
  return before !== undefined && before.state !== 'unknown' && isAlive
}

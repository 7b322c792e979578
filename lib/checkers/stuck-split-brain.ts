import { defineChecker } from './define-checker.ts'
import { pairEvidence } from './pair-evidence.ts'

/** Both sides healthy, each believing the other to be down, and both silent: by the toolkit's rules this never ends by itself. */
export const stuckSplitBrain = defineChecker({
  name: 'stuck-split-brain',
  describe: 'Never do both healthy sides fall silent towards each other for good.',
  check: ({ timeline }, context) => {
    const stuck = timeline.pairs.filter(({ state }) => state === 'stuck-split-brain')
    const known = timeline.pairs.filter(({ state }) => state !== 'unknown')
    const detail = { states: timeline.pairs.length, stuck: stuck.length, last: known.at(-1)?.state ?? null }
    if (stuck.length > 0) {
      return {
        verdict: 'fail',
        summary:
          'Both data centres were healthy and silent towards each other: the pair does not rejoin until one application is restarted.',
        detail,
        evidence: stuck.slice(0, 5).map((state) => pairEvidence(state, context)),
      }
    }
    if (known.length === 0) {
      return { verdict: 'inconclusive', applies: timeline.watched, summary: 'The pair was not watched.', detail }
    }
    return { verdict: 'pass', summary: 'The pair was never stuck in silence.', detail }
  },
})
